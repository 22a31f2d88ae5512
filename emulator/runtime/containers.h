// The few containers that the runtime needs. They hold plain data and call only malloc, so that the library needs no
// C++ standard library: building one from source, as the zig compiler does, takes minutes.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace emu {

[[noreturn]] inline void out_of_host_memory(size_t bytes) {
  fprintf(stderr, "emulator: the host has no %zu bytes of memory left for the emulated device\n", bytes);
  abort();
}

template <class T>
class Vector {
 public:
  Vector() = default;
  Vector(const Vector &) = delete;
  Vector &operator=(const Vector &) = delete;
  ~Vector() { free(data_); }

  T *begin() { return data_; }
  T *end() { return data_ + size_; }
  const T *begin() const { return data_; }
  const T *end() const { return data_ + size_; }
  T &operator[](size_t i) { return data_[i]; }
  const T &operator[](size_t i) const { return data_[i]; }
  T &back() { return data_[size_ - 1]; }
  const T &back() const { return data_[size_ - 1]; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }
  void pop() { --size_; }
  void shrink(size_t size) { size_ = size; }
  void swap(Vector &other) {
    T *data = data_;
    size_t size = size_, capacity = capacity_;
    data_ = other.data_, size_ = other.size_, capacity_ = other.capacity_;
    other.data_ = data, other.size_ = size, other.capacity_ = capacity;
  }

  void push(const T &value) {
    reserve(size_ + 1);
    data_[size_++] = value;
  }
  void insert(size_t at, const T &value) {
    reserve(size_ + 1);
    memmove((void *)(data_ + at + 1), (const void *)(data_ + at), (size_ - at) * sizeof(T));
    data_[at] = value;
    ++size_;
  }
  void erase(size_t at) {
    memmove((void *)(data_ + at), (const void *)(data_ + at + 1), (size_ - at - 1) * sizeof(T));
    --size_;
  }
  void append(const T *values, size_t count) {
    reserve(size_ + count);
    memcpy((void *)(data_ + size_), (const void *)values, count * sizeof(T));
    size_ += count;
  }
  void reserve(size_t wanted) {
    if (wanted <= capacity_) return;
    capacity_ = wanted > 2 * capacity_ ? wanted + 8 : 2 * capacity_;
    data_ = (T *)realloc((void *)data_, capacity_ * sizeof(T));
    if (!data_) out_of_host_memory(capacity_ * sizeof(T));
  }

 private:
  T *data_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
};

// Open addressing over 64-bit keys; values start as all zero bytes. Nothing is ever removed but everything.
template <class V>
class HashMap {
 public:
  HashMap() = default;
  HashMap(const HashMap &) = delete;
  HashMap &operator=(const HashMap &) = delete;
  ~HashMap() { free(slots_); }

  V *find(uint64_t key) {
    if (!used_) return nullptr;
    Slot &slot = locate(key);
    return slot.used ? &slot.value : nullptr;
  }
  V &operator[](uint64_t key) {
    if (2 * (used_ + 1) > capacity_) grow();
    Slot &slot = locate(key);
    if (!slot.used) {
      slot.used = true;
      slot.key = key;
      ++used_;
    }
    return slot.value;
  }
  template <class F>
  void each(F visit) {
    for (size_t i = 0; i < capacity_; i++)
      if (slots_[i].used) visit(slots_[i].key, slots_[i].value);
  }
  size_t size() const { return used_; }
  void clear() {
    if (used_) memset((void *)slots_, 0, capacity_ * sizeof(Slot));
    used_ = 0;
  }

 private:
  struct Slot {
    uint64_t key;
    bool used;
    V value;
  };
  Slot &locate(uint64_t key) {
    size_t i = (size_t)((key * 0x9E3779B97F4A7C15ull) >> 20) & (capacity_ - 1);  // Fibonacci hashing (Knuth, TAOCP 6.4)
    while (slots_[i].used && slots_[i].key != key) i = (i + 1) & (capacity_ - 1);
    return slots_[i];
  }
  void grow() {
    Slot *old = slots_;
    size_t count = capacity_;
    capacity_ = count ? 2 * count : 64;
    slots_ = (Slot *)calloc(capacity_, sizeof(Slot));
    if (!slots_) out_of_host_memory(capacity_ * sizeof(Slot));
    for (size_t i = 0; i < count; i++)
      if (old[i].used) locate(old[i].key) = old[i];
    free(old);
  }
  Slot *slots_ = nullptr;
  size_t capacity_ = 0, used_ = 0;
};

}  // namespace emu
