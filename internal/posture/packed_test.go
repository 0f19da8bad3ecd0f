package posture

import (
	"slices"
	"testing"
)

func TestPackedStates(t *testing.T) {
	for name, cells := range map[string][]cell{
		"none": {},
		"two": {
			{slot: 3, state: Healthy, since: packedEpoch + 5, first: packedEpoch},
			{slot: 300, state: Exempt, since: 1800000000, first: 1800000000},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := unpack(pack(cells))
			if err != nil || !slices.Equal(got, cells) {
				t.Errorf("got %v, %v; want %v", got, err, cells)
			}
		})
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(pack([]cell{{slot: 7, state: Unhealthy, since: 1800000000, first: 1790000000}}))
	f.Add([]byte{packedVersion, 255, 255, 3})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		cells, err := unpack(b)
		if err != nil {
			return
		}
		if len(cells) > len(b) {
			t.Errorf("%d cells out of %d bytes", len(cells), len(b))
		}
	})
}
