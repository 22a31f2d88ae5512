#include "call.hpp"
#include "kernels.hpp"

#define ROUTINES "level2.inl"
#include "each_type.hpp"
