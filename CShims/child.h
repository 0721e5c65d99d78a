// Between the files of the interpreter. Everything here runs in the child of a clone: system calls only.
#ifndef SWIFTPOD_CHILD_H
#define SWIFTPOD_CHILD_H

#include "include/plan.h"

#include <stddef.h>

// Results are what the kernel returns: zero or more, or minus an error number.
long swiftpod_call(long number, long a, long b, long c, long d, long e, long f);

#define CALL6(name, a, b, c, d, e, f, ...) \
    swiftpod_call(SYS_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define CALL(name, ...) CALL6(name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)

/// The second of two texts that stand one after the other.
static inline const char *swiftpod_second(const char *texts) {
    while (*texts) texts++;
    return texts + 1;
}

long swiftpod_child_open(int directory, const char *path, uint64_t flags, uint64_t resolve);
/// O_PATH descriptor of `path` in `root`; what is missing is made, the last part of the type and mode that `mode` says.
long swiftpod_child_target(int root, const char *path, unsigned mode, unsigned uid, unsigned gid);
/// The directory that holds `path`'s last part (made where it is missing), and where that part begins.
long swiftpod_child_parent(int root, const char *path, const char **name);
long swiftpod_child_mount(const struct swiftpod_step *step, const int32_t *slots);
long swiftpod_child_copy_up(int root, const char *path, int tree);
/// unshare(2) of `kinds`, and the maps of the new user namespace by a helper that stays outside of it.
long swiftpod_child_isolate(uint64_t kinds, const struct swiftpod_maps *maps);
/// Waits for a sandbox's command. Its streams, where it has them, are put into `slots`. -ENODATA: nobody will tell it any
/// more.
long swiftpod_child_told(int socket, int32_t *const slots[], struct swiftpod_command *command);
long swiftpod_child_reaper(uint64_t capabilities, int channel);

#endif
