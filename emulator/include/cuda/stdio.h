#pragma once  // part of the device header that every source sees
