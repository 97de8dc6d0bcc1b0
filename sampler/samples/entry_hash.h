// The keyed hash that orders a node's sampling pool: DESIGN.md section 4, sampling.
//
// A sample is the K-1 pool entries of smallest hash, so every path of the pool is hashed: the upper
// half is three rounds on 32 bits, 16 at once on a CPU with AVX-512, and decides nearly always; the
// lower half is computed for the few entries that may be in the sample. Only integer operations
// that a GPU has too: the bits are the same there.
#pragma once

#include <cstdint>

#include "core/base/rng.h"

namespace quadhop {

// The key of one (seed, epoch, node, hop).
struct EntryKey {
  uint64_t whole = 0;
  constexpr uint32_t low() const { return static_cast<uint32_t>(whole); }
  constexpr uint32_t high() const { return static_cast<uint32_t>(whole >> 32); }
};

// node_key: StreamKey(seed, RandomPurpose::kSample, epoch, node). hop: 1 or 2; entries of the two
// hops have different keys.
constexpr EntryKey MakeEntryKey(uint64_t node_key, uint64_t hop) { return {Mix64(node_key ^ hop)}; }

// Wellons' triple32 (a bijection of 32 bits) with the key added before its first and second round.
// Ids of 2^32 and more enter by their upper half before the second round.
// (Not an array: a GPU knows only the values of host constants.)
inline constexpr uint32_t kEntryMultiplier1 = 0xED5AD4BBu;
inline constexpr uint32_t kEntryMultiplier2 = 0xAC4C1B51u;
inline constexpr uint32_t kEntryMultiplier3 = 0x31848BABu;
inline constexpr uint32_t kEntryUpperMultiplier = 0x9E3779B1u;

// Upper 32 bits of the hash of pool entry `id`.
constexpr uint32_t EntryHashUpper(EntryKey key, uint64_t id) {
  uint32_t x = static_cast<uint32_t>(id) + key.low();
  x = (x ^ (x >> 17)) * kEntryMultiplier1;
  x ^= key.high() ^ (static_cast<uint32_t>(id >> 32) * kEntryUpperMultiplier);
  x = (x ^ (x >> 11)) * kEntryMultiplier2;
  x = (x ^ (x >> 15)) * kEntryMultiplier3;
  return x ^ (x >> 14);
}

// The whole hash. Equal for equal entries; different entries nearly always differ.
constexpr uint64_t EntryHash(EntryKey key, uint64_t id) {
  return uint64_t{EntryHashUpper(key, id)} << 32 | static_cast<uint32_t>(Mix64(key.whole ^ id));
}

}  // namespace quadhop
