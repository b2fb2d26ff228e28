#!/bin/bash
# The README's table of configuration keys is the program's own; the shipped inputs are valid.
. "$(dirname "$0")/common.sh"
"$nnsm" --help config >table
sed -n '/<!-- config table -->/,/<!-- end of config table -->/p' "$source/README.md" | sed '1d;$d' >readme
diff table readme || fail "the README's table is not 'nnsm --help config'; paste its output between the markers"
for input in "$source"/input/*.cfg; do "$nnsm" check "$input" --ranks 2; done
