package content

import "testing"

// BenchmarkLoad is what a start of the program pays.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := LoadFS(FS); err != nil {
			b.Fatal(err)
		}
	}
}
