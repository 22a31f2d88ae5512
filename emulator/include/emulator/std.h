// cuda::std (libcu++) is the C++ library for devices: here it is the host's, of which a few headers are as good on a device.
#pragma once

extern "C++" {
namespace cuda {
namespace std {
using namespace ::std;
}  // namespace std
}  // namespace cuda
}
