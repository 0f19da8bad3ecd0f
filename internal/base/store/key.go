package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/fnv"
	"math"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Partitions is the number of partitions of the change feed, fixed for ever.
const Partitions = 64

// Partition is the partition that changes at id belong to: that of its
// subscription, so that one reader sees a subscription's changes in order.
func Partition(id arm.ID) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(arm.Fold(id.Subscription()))) // never fails
	return int(h.Sum32() % Partitions)
}

// Keys of resources are hashes of the parent's group, the parent and the id,
// in this order: half the size of the ids, the children of a parent side by
// side so that one index serves instead of two, and a group's documents close
// together so that writing them touches few pages. Ten bytes of SHA-256 for
// the id; a read compares the id itself, so even a forced collision is an
// error, never another resource's data.
const (
	groupKeySize  = 4
	parentKeySize = groupKeySize + 6
	keySize       = parentKeySize + 10
)

type key [keySize]byte

func keyOf(id arm.ID) key {
	var k key
	if p, ok := id.Parent(); ok {
		copy(k[:], parentKey(p))
	}
	sum := sha256.Sum256([]byte(id.Key()))
	copy(k[parentKeySize:], sum[:])
	return k
}

// parentKey is the prefix of the keys of everything directly below id.
func parentKey(id arm.ID) []byte {
	folded := id.Key()
	group := id.ResourceGroupID()
	if group == "" {
		group = id.SubscriptionID()
	}
	of := sha256.Sum256([]byte(folded[:len(group)]))
	sum := sha256.Sum256([]byte(folded))
	return append(of[:groupKeySize:groupKeySize], sum[:parentKeySize-groupKeySize]...)
}

const maxHandle = math.MaxUint32

var errHandles = errors.New("all 4,294,967,295 resource handles have been given out")

// parseID is arm.ParseID with an error for clients.
func parseID(s string) (arm.ID, error) {
	id, err := arm.ParseID(s)
	if err != nil {
		return id, arm.Invalid("%v.", err)
	}
	return id, nil
}

func collision(a, b string) error {
	return fmt.Errorf("ids %q and %q have the same key", a, b)
}
