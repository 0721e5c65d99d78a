// What happens before main: the words of the command line are kept, and a program that uses the library is also its own
// launcher; started under that name it never reaches its main.
#include "include/shims.h"

#include <string.h>

// Swift's, in the target Workers; absent from programs without it.
void swiftpod_launcher_main(int count, char **arguments) __attribute__((weak));

// Swift's own CommandLine looks for them where /proc/self/maps says that the stack is, at the price of a tenth of a
// start that does nothing.
static char **words;

char *const *swiftpod_arguments(void) { return words; }

__attribute__((constructor)) static void keep_words(int count, char **arguments) {
    (void)count;
    words = arguments;
}

// Without a priority, so that Swift's runtime has registered the program's types by then.
__attribute__((constructor)) static void become_launcher(int count, char **arguments) {
    if (count < 1 || strcmp(arguments[0], "swiftpod-launcher") != 0) return;
    if (swiftpod_launcher_main) swiftpod_launcher_main(count, arguments);
}
