package store

import (
	"errors"
	"net/http"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// What an operator must act on. Open and every transaction return them wrapped
// in a message that names the place and the remedy.
var (
	// ErrInUse: another process holds the data directory.
	ErrInUse = errors.New("data directory is in use")
	// ErrNewer: the data were written by a newer version of the program.
	ErrNewer = errors.New("data were written by a newer version")
	// ErrReadOnly: the data directory cannot be written.
	ErrReadOnly = errors.New("data directory is read-only")
	// ErrFull: the disk under the data directory is full.
	ErrFull = errors.New("data directory is full")
)

// insufficientStorage is how a client sees ErrFull and ErrReadOnly (507).
func insufficientStorage(message string) *arm.Error {
	return &arm.Error{Status: http.StatusInsufficientStorage, Code: "InsufficientStorage", Message: message}
}
