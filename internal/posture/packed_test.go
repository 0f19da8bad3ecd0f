package posture

import (
	"slices"
	"testing"
)

func TestPackedStates(t *testing.T) {
	two := []cell{
		{slot: 3, state: Healthy, since: packedEpoch + 5, first: packedEpoch},
		{slot: 300, state: Exempt, since: 1800000000, first: 1800000000},
	}
	done := task{slot: 3, open: packedEpoch, done: packedEpoch + 5}
	for name, tt := range map[string]struct {
		cells       []cell
		tasks, want []task
	}{
		"none":          {cells: []cell{}},
		"two":           {cells: two},
		"done":          {cells: two, tasks: []task{done}, want: []task{done}},
		"what is known": {cells: two, tasks: []task{{slot: 3, by: 7}}},
	} {
		t.Run(name, func(t *testing.T) {
			cells, tasks, err := unpack(pack(tt.cells, tt.tasks))
			if err != nil || !slices.Equal(cells, tt.cells) || !slices.Equal(tasks, tt.want) {
				t.Errorf("got %v, %v, %v; want %v, %v", cells, tasks, err, tt.cells, tt.want)
			}
		})
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(pack([]cell{{slot: 7, state: Unhealthy, since: 1800000000, first: 1790000000}}, nil))
	f.Add(pack([]cell{{slot: 7, state: Healthy, since: 1800000000, first: 1790000000}}, []task{{slot: 7, open: 1790000000, done: 1800000000}}))
	f.Add([]byte{packedVersion, 255, 255, 3})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		cells, tasks, err := unpack(b)
		if err != nil {
			return
		}
		if len(cells)+len(tasks) > len(b) {
			t.Errorf("%d cells and %d tasks out of %d bytes", len(cells), len(tasks), len(b))
		}
	})
}
