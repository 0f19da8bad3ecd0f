package content

import "testing"

func TestEmbeddedBaselinesAreValid(t *testing.T) {
	all, err := Baselines()
	if err != nil {
		t.Fatal(err)
	}
	n, rec := 0, 0
	for _, b := range all {
		n += len(b.Checks)
		for _, c := range b.Checks {
			if c.Recommended {
				rec++
			}
		}
	}
	t.Log(n, rec)
}
