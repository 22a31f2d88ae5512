#include "call.hpp"
#include "kernels.hpp"

#define ROUTINES "level3.inl"
#include "each_type.hpp"
