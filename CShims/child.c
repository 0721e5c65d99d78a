#include "include/shims.h"
