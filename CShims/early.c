// A program that uses the library is also its own launcher: started under that name it never reaches its main.
#include <string.h>

// Swift's, in the target Workers; absent from programs without it.
void swiftpod_launcher_main(int count, char **arguments) __attribute__((weak));

// Without a priority, so that Swift's runtime has registered the program's types by then.
__attribute__((constructor)) static void become_launcher(int count, char **arguments) {
    if (count < 1 || strcmp(arguments[0], "swiftpod-launcher") != 0) return;
    if (swiftpod_launcher_main) swiftpod_launcher_main(count, arguments);
}
