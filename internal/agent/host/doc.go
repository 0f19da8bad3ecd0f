// Package host reads a Linux host: configuration files, /proc and /sys below a
// root, without starting a program and without writing anything. Parsers are
// pure functions over bytes; Host reads the files for them, bounded, and notes
// every path it looked at so that a watcher knows what a fact depends on.
//
// It must never import another package of this module.
package host
