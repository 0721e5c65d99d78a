// System calls of the image store that Swift does not see: they are extensions of glibc's.
#ifndef SWIFTPOD_STORE_H
#define SWIFTPOD_STORE_H

#include <stddef.h>
#include <stdint.h>

/// syncfs(2): everything written to the file system that holds `descriptor` is on disk.
int swiftpod_syncfs(int descriptor);

/// copy_file_range(2) between two descriptors at their own offsets.
long swiftpod_copy_file_range(int from, int to, size_t count);

/// mknodat(2) with a device number in parts.
int swiftpod_mknodat(int directory, const char *path, unsigned mode, unsigned major, unsigned minor);

/// utimensat(2) of the name itself, both times alike.
int swiftpod_set_time(int directory, const char *path, int64_t seconds, long nanoseconds);

/// futimens(2), both times alike.
int swiftpod_set_time_of(int descriptor, int64_t seconds, long nanoseconds);

/// The calling thread's id, and whether a thread of this process of that id is still there for the kernel, which a joined
/// one may be for a moment.
int swiftpod_thread_id(void);
int swiftpod_thread_is_there(int id);

/// This thread makes files of just the mode that it asks for, with a umask of its own (CLONE_FS, for the rest of its life).
int swiftpod_keep_modes_of_files(void);

/// This thread keeps its capabilities when it makes files in another's name (SECBIT_NO_SETUID_FIXUP, for the rest of its
/// life). -1: it may not, or has not all that making files in anybody's name needs.
int swiftpod_keep_capabilities_of_files(void);

/// What this thread makes belongs to these ids: setfsuid(2), setfsgid(2). -1: they are its effective ones again.
int swiftpod_make_files_as(unsigned uid, unsigned gid);

/// lsetxattr(2) relative to a directory, by /proc/self/fd: there is no setxattrat(2) before Linux 6.13.
int swiftpod_setxattrat(int directory, const char *name, const char *attribute, const void *value, size_t size);

/// lseek(2) with SEEK_DATA or SEEK_HOLE; -1 with ENXIO behind the last data.
int64_t swiftpod_seek_data(int descriptor, int64_t offset);
int64_t swiftpod_seek_hole(int descriptor, int64_t offset);

/// Whether an overlay with these options, mounted on `target` in the directory by a child in namespaces of its own, has a
/// `file` of that content (63 bytes at most): 1, 0, or minus an error number. Fit for programs with threads.
long swiftpod_child_overlay(const char *directory, const char *options, const char *content);

#endif
