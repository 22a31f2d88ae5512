#include "call.hpp"
#include "kernels.hpp"

#define ROUTINES "level1.inl"
#include "each_type.hpp"
