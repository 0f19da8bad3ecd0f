package record

import (
	"slices"
	"testing"
)

func TestPackedStates(t *testing.T) {
	two := []Status{
		{Slot: 3, State: Healthy, Since: packedEpoch + 5, First: packedEpoch},
		{Slot: 300, State: Exempt, Since: 1800000000, First: 1800000000},
	}
	done := Task{Slot: 3, Open: packedEpoch, Done: packedEpoch + 5}
	for name, tt := range map[string]struct {
		cells       []Status
		tasks, want []Task
	}{
		"none":          {cells: []Status{}},
		"two":           {cells: two},
		"done":          {cells: two, tasks: []Task{done}, want: []Task{done}},
		"what is known": {cells: two, tasks: []Task{{Slot: 3, Owner: 7}}},
	} {
		t.Run(name, func(t *testing.T) {
			cells, tasks, err := Unpack(Pack(tt.cells, tt.tasks))
			if err != nil || !slices.Equal(cells, tt.cells) || !slices.Equal(tasks, tt.want) {
				t.Errorf("got %v, %v, %v; want %v, %v", cells, tasks, err, tt.cells, tt.want)
			}
		})
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(Pack([]Status{{Slot: 7, State: Unhealthy, Since: 1800000000, First: 1790000000}}, nil))
	f.Add(Pack([]Status{{Slot: 7, State: Healthy, Since: 1800000000, First: 1790000000}}, []Task{{Slot: 7, Open: 1790000000, Done: 1800000000}}))
	f.Add([]byte{packedVersion, 255, 255, 3})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		cells, tasks, err := Unpack(b)
		if err != nil {
			return
		}
		if len(cells)+len(tasks) > len(b) {
			t.Errorf("%d cells and %d tasks out of %d bytes", len(cells), len(tasks), len(b))
		}
	})
}
