#include "shims.h"

#include <nss.h>

void swiftpod_use_local_names(void) {
    /* nsswitch.conf may name modules that need dlopen(3), and in a static executable that ends in a crash. */
    __nss_configure_lookup("passwd", "files");
    __nss_configure_lookup("group", "files");
    __nss_configure_lookup("hosts", "files dns");
}
