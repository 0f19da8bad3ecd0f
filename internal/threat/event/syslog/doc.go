// Package syslog decodes syslog: RFC 5424 with structured data, RFC 3164 and the
// shapes of it that files have (no priority, ISO times, no host), one message a
// line or framed by a count of bytes (RFC 6587); and the journal of systemd as
// journalctl -o json writes it. Wrong headers are no reason to
// leave a line out: what cannot be told apart is message.
//
// # Fields
//
// facility, severity, hostname, program, pid, msgid, message; structured data as
// id.name. Keyword search sees the line. What sshd, sudo, su, PAM, cron, login and
// the user tools say is taken apart:
//
//	action       login, logout, session_opened, session_closed, connect, disconnect, invalid_user, sudo, su,
//	             cron_job, cron_edit, user_added, user_deleted, group_added, member_added, password_changed
//	outcome      success or failure
//	user         who did it, or who logged in
//	target_user  whose rights it got: sudo, su, member_added
//	src_ip, src_host, src_port, method, command, tty, pwd, group, key, count (of repeated messages)
//
// What attackers choose (names of users) is cut from the right end of a message,
// so that it cannot forge an address.
//
// # Time
//
// A time without a zone is UTC. A time without a year is of the latest year that
// puts it no more than a day after the time of reading.
//
// It must never import a package above the event area.
package syslog
