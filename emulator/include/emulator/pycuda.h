// PyCUDA's complex numbers, precompiled: nearly every kernel that PyCUDA generates includes them.
#pragma once
#include "emulator/device.h"
#pragma push_macro("__device__")
#undef __device__
#define __device__
#include <pycuda-complex.hpp>
#include <pycuda-helpers.hpp>
#pragma pop_macro("__device__")
