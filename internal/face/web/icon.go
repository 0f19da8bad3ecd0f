package web

import "html/template"

// icons are the drawings of marks and navigation on a 16 by 16 field. They are
// always decoration: the word stands beside them.
var icons = map[string]string{
	"critical": `<path d="M5 1.5h6L14.5 5v6L11 14.5H5L1.5 11V5z" fill="currentColor"/>`,
	"high":     `<path d="M8 1.5 14.5 8 8 14.5 1.5 8z" fill="currentColor"/>`,
	"medium":   `<circle cx="8" cy="8" r="5.4" fill="none" stroke="currentColor" stroke-width="2.6"/>`,
	"low":      `<path d="M3 6l5 5 5-5" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/>`,
	"ok":       `<path d="M3 8.5l3.2 3.2L13 5" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/>`,
	"cross":    `<path d="M4 4l8 8M12 4l-8 8" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/>`,
	"unknown":  `<circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="2" stroke-dasharray="2.5 2.2"/>`,
	"exempt":   `<path d="M5 3.5v9M11 3.5v9" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/>`,
	"none":     `<path d="M3.5 8h9" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round"/>`,
	"clock":    `<circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="M8 4.5V8l2.4 1.6" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/>`,
	"overview": `<path d="M2 9a6 6 0 1 1 12 0M8 9l2.8-3.2" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/><circle cx="8" cy="9" r="1.3" fill="currentColor"/><path d="M3 13h10" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/>`,
	"posture":  `<path d="M2 12.5l3.6-4 2.8 2.3L14 4.5M10.5 4.3H14v3.4" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>`,
	"advice":   `<path d="M2.2 4.2l1.2 1.2 2-2.4M2.2 10.7l1.2 1.2 2-2.4M8 4.5h6M8 11h6" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>`,
	"boxes":    `<path d="M2 5l6-3 6 3v6l-6 3-6-3zM2 5l6 3 6-3M8 8v6" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round"/>`,
	"layers":   `<path d="M8 2l6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round"/>`,
	"standard": `<path d="M4 1.8h8v12.4L8 11.6l-4 2.6zM6.3 6.2l1.3 1.3 2.3-2.6" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"/>`,
	"owner":    `<circle cx="8" cy="5.2" r="2.7" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M2.8 13.8c.5-2.7 2.5-4.2 5.2-4.2s4.7 1.5 5.2 4.2" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/>`,
	"policy":   `<path d="M4 1.8h5.5L12.5 5v9.2H4zM9.2 2v3.2h3.1M6.2 8.2h4M6.2 11h4" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"/>`,
	"settings": `<path d="M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/><circle cx="10" cy="4.5" r="1.9" fill="none" stroke="currentColor" stroke-width="1.6"/><circle cx="6" cy="11.5" r="1.9" fill="none" stroke="currentColor" stroke-width="1.6"/>`,
	"search":   `<circle cx="7" cy="7" r="4.6" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="M10.5 10.5L14 14" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/>`,
	"menu":     `<path d="M2 4h12M2 8h12M2 12h12" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/>`,
	"down":     `<path d="M8 2.5v8M4.5 7.5L8 11l3.5-3.5M3 13.5h10" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>`,
	"wrench":   `<path d="M13.6 4.4a3.6 3.6 0 0 1-4.8 4.3l-4.6 4.6a1.3 1.3 0 0 1-1.9-1.9l4.6-4.6a3.6 3.6 0 0 1 4.3-4.8L9.3 3.9l.5 2.2 2.2.5z" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round"/>`,
	"bell":     `<path d="M4 11V7a4 4 0 0 1 8 0v4l1.5 1.5h-11zM6.5 14.2h3" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/>`,
	"castle":   `<path d="M2 14V5h2V3h2v2h1V2h2v3h1V3h2v2h2v9h-4v-3a2 2 0 0 0-4 0v3z" fill="currentColor"/>`,
}

// icon is a drawing by name; an unknown name is a programmer's error that a
// test finds.
func icon(name string) template.HTML {
	return template.HTML(`<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">` + icons[name] + `</svg>`)
}
