// pages small|huge MIB [SECONDS]: maps so much memory, touches each page of it, says so, and goes on touching it all for
// SECONDS. What the test's busybox cannot do: memory of a known size, in huge pages, too.
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

int main(int count, char **words) {
    if (count < 3) return 2;
    size_t size = strtoul(words[2], NULL, 10) << 20;
    time_t end = time(NULL) + (count > 3 ? atoi(words[3]) : 0);
    int huge = strcmp(words[1], "huge") == 0 ? MAP_HUGETLB : 0;
    volatile char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | huge, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    for (size_t i = 0; i < size; i += 4096) memory[i] = 1;
    puts("touched");
    fflush(stdout);
    while (time(NULL) < end) {
        for (size_t i = 0; i < size; i += 4096) memory[i]++;
    }
    return 0;
}
