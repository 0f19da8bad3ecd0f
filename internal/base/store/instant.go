package store

import "time"

// Times are stored as microseconds since 1970 UTC: they sort as integers, and
// both engines and the zero time keep them exactly.
func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }
