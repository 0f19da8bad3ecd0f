package judge

import "sync/atomic"

// bloomFilter tells of most ids that they were never added to it, without a lock: a bit
// for each value of a hash. What was added stays.
type bloomFilter [1 << 14]atomic.Uint64

func (s *bloomFilter) add(id string) {
	word, bit := s.at(id)
	word.Or(bit)
}

// mayHave is true for every id that was added, of any case, and for a few others.
func (s *bloomFilter) mayHave(id string) bool {
	word, bit := s.at(id)
	return word.Load()&bit != 0
}

// at hashes the length and the end of an id, where ids differ.
func (s *bloomFilter) at(id string) (word *atomic.Uint64, bit uint64) {
	const tail = 16
	h := uint64(len(id))
	for i := max(0, len(id)-tail); i < len(id); i++ {
		h = (h ^ uint64(id[i]|0x20)) * 0x100000001b3 // FNV-1a; the bit that tells cases apart is set
	}
	h ^= h >> 32
	return &s[h>>6%uint64(len(s))], 1 << (h & 63)
}
