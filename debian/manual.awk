# Makes the page of tokpay-gateway --help, which has the form of a manual, one for man(1).

function text(line) {
	gsub(/\\/, "\\e", line)
	gsub(/-/, "\\-", line)
	return line ~ /^[.']/ ? "\\&" line : line
}

BEGIN { printf ".TH TOKPAY\\-GATEWAY 8 %s TokPay\n", date }

/^[A-Z]/ {
	if (filled == "no")
		print ".fi"
	section = $0
	print ".SH \"" section "\""
	filled = section ~ /^(SYNOPSIS|SIGNALS|EXAMPLE)$/ ? "no" : "yes"
	if (filled == "no")
		print ".nf"
	next
}

{ sub(/^       /, "") }

/^$/ { next }
/^[^ ]/ && section ~ /^(OPTIONS|SETTINGS)$/ { print ".TP\n.B " text($0); next }
section == "DESCRIPTION" && /^A setting|^Secrets/ { print ".PP" }
{ if (filled == "yes") sub(/^ +/, ""); print text($0) }
