// Package auditd decodes the Linux audit log: raw lines of audit.log (also with
// node= or a syslog header in front, and enriched), and the JSON of Auditbeat and
// LAUREL, told apart line by line.
//
// # One event, several lines
//
// The kernel writes one event as several lines with one serial; lines of
// different events may be interleaved. Lines are joined by node, time and serial.
// An event ends with its EOE or PROCTITLE line; when a line arrives that is two
// seconds younger (as auparse does it); when more than 64 events are open; at the
// end of the input. Lines of user space (USER_*, SERVICE_*, ...) are events of
// their own. Events come out in the order in which they end.
//
// # Fields
//
// Names are those of the log: type has the type of each line of the event, a0 to
// aN the arguments of EXECVE (the four of SYSCALL only if there is no EXECVE),
// values in hexadecimal are decoded where the kernel encodes untrusted text,
// (null) is no value. SYSCALL is the name of the call, from the enriched part or
// from its number for x86-64 and arm64.
//
// Rules of process_creation see started processes as Image, CommandLine,
// CurrentDirectory, ProcessId, ParentProcessId, User, and ParentImage and
// ParentCommandLine if the start of the parent is in the same stream; rules of
// file_event see created, written and renamed files as TargetFilename; rules of
// network_connection see connect as DestinationIp and DestinationPort.
//
// It must never import a package above the event area.
package auditd
