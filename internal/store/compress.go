package store

import (
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/rampart-sec/rampart/internal/wire"
)

// Stored blobs are plain or a zstd frame. A frame starts with this byte; plain
// blobs of ours never do (JSON starts with {, packed changes with a kind).
const zstdMagic = 0x28

// minCompress is the size below which a frame's overhead eats its gain.
const minCompress = 256

// The codecs are stateless for EncodeAll and DecodeAll and safe for
// concurrent use. Concurrency 0 is one per core.
var (
	encoder, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithWindowSize(64<<10))
	decoder, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(4*wire.MaxBody))
)

// compress gives b itself or a frame that is at least a tenth smaller.
func compress(b []byte) []byte {
	if len(b) < minCompress {
		return b
	}
	if z := encoder.EncodeAll(b, make([]byte, 0, len(b)/2)); len(z) < len(b)-len(b)/10 {
		return z
	}
	return b
}

// decompress gives b itself or its content, appended to dst[:0].
func decompress(dst, b []byte) ([]byte, error) {
	if len(b) == 0 || b[0] != zstdMagic {
		return b, nil
	}
	out, err := decoder.DecodeAll(b, dst[:0])
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return out, nil
}
