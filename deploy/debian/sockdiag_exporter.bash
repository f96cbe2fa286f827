# SPDX-License-Identifier: Apache-2.0
# Completion for bash. The program itself says what its flags, states and findings are.

_sockdiag_exporter()
{
    local program=$1 word=$2 previous=$3 subcommand="" each words

    for each in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $each in diagnose|explain|top) subcommand=$each; break ;; esac
    done
    # In --flag=value the equals sign is a word of its own.
    [[ $word == "=" ]] && word=""
    [[ $previous == "=" ]] && previous=${COMP_WORDS[COMP_CWORD-2]}
    [[ ${COMP_WORDS[COMP_CWORD]} == "=" ]] && previous=${COMP_WORDS[COMP_CWORD-1]}

    case $previous in
        --config.file|--web.config.file) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --path.*) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --namespaces.collect) words="none counters sockets" ;;
        --format) words="text json" ;;
        --color) words="auto always never" ;;
        --lang) words="en zh-CN" ;;
        --log.level) words="debug info warning error" ;;
        --log.format) words="logfmt json" ;;
        --for) words="0s 10s 1m 10m" ;;
        --url) words="http://localhost:10293" ;;
        --pid) mapfile -t COMPREPLY < <(cd /proc && compgen -d -X '[!0-9]*' -- "$word"); return ;;
        --netns)
            mapfile -t COMPREPLY < <(
                { [[ $word == */* ]] || cd /run/netns; } 2>/dev/null && compgen -f -- "$word")
            return ;;
        --web.listen-address|--web.telemetry-path|--web.max-requests) return ;;
        *)
            words=$({ "$program" --help; [[ -z $subcommand ]] || "$program" "$subcommand" --help; } \
                2>/dev/null | sed -nE 's/^ +(-h,)?(--[a-z.-]+).*/\2/p')
            if [[ $word != -* ]]; then
                case $subcommand in
                    "") words+=" diagnose explain top" ;;
                    explain) words+=" $("$program" explain --lang=en 2>/dev/null |
                        sed -nE 's/^([A-Za-z_0-9]+)  +.*/\1/p')" ;;
                esac
            fi ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -o bashdefault -F _sockdiag_exporter sockdiag_exporter
