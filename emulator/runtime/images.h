// What the runtime knows of an image: the order that its blocks may run in, and its variables.
#pragma once
#include "order.h"

namespace emu {

struct ImageFacts {
  bool known;
  bool serial;       // its blocks run on one OS thread
  Region variables;  // a checked image's, with the guards between them and whatever else lies there
};
ImageFacts &facts_of(const emu_image &image);

}  // namespace emu
