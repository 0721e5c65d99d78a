#include "shims.h"
int swiftpod_placeholder(void){return 0;}
