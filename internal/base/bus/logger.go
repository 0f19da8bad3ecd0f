package bus

import (
	"fmt"
	"log/slog"

	"github.com/nats-io/nats-server/v2/server"
)

// logger brings the embedded server's words into the program's log. Its
// notices are of no use to an operator who did not ask for NATS.
type logger struct{ log *slog.Logger }

var _ server.Logger = logger{}

// Noticef logs at debug level.
func (l logger) Noticef(format string, v ...any) { l.log.Debug("bus: " + fmt.Sprintf(format, v...)) }

// Warnf logs at warning level.
func (l logger) Warnf(format string, v ...any) { l.log.Warn("bus: " + fmt.Sprintf(format, v...)) }

// Fatalf logs at error level; the server that said it is not ready and its
// caller acts on that.
func (l logger) Fatalf(format string, v ...any) { l.log.Error("bus: " + fmt.Sprintf(format, v...)) }

// Errorf logs at error level.
func (l logger) Errorf(format string, v ...any) { l.log.Error("bus: " + fmt.Sprintf(format, v...)) }

// Debugf drops; it is never asked for.
func (l logger) Debugf(string, ...any) {}

// Tracef drops; it is never asked for.
func (l logger) Tracef(string, ...any) {}
