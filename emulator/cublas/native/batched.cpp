#include "call.hpp"
#include "kernels.hpp"

#define ROUTINES "batched.inl"
#include "each_type.hpp"
