using System.Globalization;
using RobustTrain.Monitoring.Sources.NvidiaSmi;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources.Ssh;

/// <summary>
/// What is sent to a host's <c>sh</c>: once a function, then a call of it at each tick. It needs grep, and nvidia-smi, ps and timeout
/// only for what they tell; it writes nothing to disk; and it ends with its standard input.
/// </summary>
internal static class RemoteScript
{
    /// <summary>Begins each line that is ours. What a login script prints lies outside.</summary>
    public const string Mark = "@robusttrain";

    /// <summary>The function.</summary>
    /// <param name="kinds">What to read.</param>
    /// <param name="processes">Whether process lists are wanted.</param>
    /// <param name="timeout">How long nvidia-smi may take.</param>
    public static string Define(MonitorKinds kinds, bool processes, TimeSpan timeout)
    {
        string limit = Math.Max(1, timeout.TotalSeconds * 0.45).ToString("0.###", CultureInfo.InvariantCulture);
        string cpu = kinds.HasFlag(MonitorKinds.Cpu)
            ? "grep -sHE '^(cpu|some|full|Mem|Buffers|Cached|Swap|[0-9]+\\.)' /proc/stat /proc/loadavg /proc/meminfo /proc/pressure/cpu /proc/pressure/memory /proc/pressure/io"
            : ":";
        string cgroup = kinds.HasFlag(MonitorKinds.Cpu) ? $"if [ \"$2\" = full ]; then echo \"{Mark} $1 cgroup\"; rt_cgroup; fi" : ":";
        // A full query that does not tell as many GPUs as there are leaves one out that is lost; the other one tells the indices then.
        string gpu = !kinds.HasFlag(MonitorKinds.Gpu) ? ":" : $$"""
            if command -v nvidia-smi >/dev/null 2>&1; then
            rt_whole=
            if [ "$2" = full ]; then
            rt_xml=$(rt_limit nvidia-smi -q -x 2>&1); rt_code=$?
            echo "{{Mark}} $1 smi-xml"; printf '%s\n' "$rt_xml"; echo "{{Mark}} $1 smi-exit $rt_code"
            rt_gpus=$(printf '%s\n' "$rt_xml" | grep -c '<gpu id=')
            case $rt_code in 124 | 137) rt_whole=1 ;; esac
            case $rt_xml in *"<attached_gpus>$rt_gpus</"*) rt_whole=1 ;; esac
            fi
            if [ -z "$rt_whole" ]; then echo "{{Mark}} $1 smi-csv"; rt_limit nvidia-smi {{SmiCsv.Query}} 2>&1; echo "{{Mark}} $1 smi-exit $?"; fi
            else echo "{{Mark}} $1 smi-missing"; fi
            """;
        string list = processes
            ? $"if [ \"$2\" = full ]; then echo \"{Mark} $1 ps\"; ps -eo pid=,etimes=,user:32=,rss=,stat=,args= 2>/dev/null; echo \"{Mark} $1 stat\"; grep -sh '' /proc/[0-9]*/stat; fi"
            : ":";
        return $$"""
            LC_ALL=C PATH="$PATH:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"; export LC_ALL PATH
            if command -v timeout >/dev/null 2>&1; then rt_limit() { timeout -k 1 {{limit}} "$@" </dev/null; }; else rt_limit() { "$@" </dev/null; }; fi
            rt_cgroup() {
            if [ ! -r /proc/self/cgroup ]; then return 0; fi
            rt_files=
            while IFS=: read -r rt_number rt_kind rt_group; do
            rt_mount=/sys/fs/cgroup/${rt_kind%%,*}
            case ",$rt_kind," in
            ,,) rt_mount=/sys/fs/cgroup; if [ -d $rt_mount/unified ]; then rt_mount=$rt_mount/unified; fi; rt_names="memory.max memory.current cpu.max" ;;
            ,memory,) rt_names="memory.limit_in_bytes memory.usage_in_bytes" ;;
            *,cpu,*) rt_mount=/sys/fs/cgroup/cpu; rt_names="cpu.cfs_quota_us cpu.cfs_period_us" ;;
            *) continue ;;
            esac
            rt_group=${rt_group%/}
            while :; do
            for rt_name in $rt_names; do rt_files="$rt_files $rt_mount$rt_group/$rt_name"; done
            if [ -z "$rt_group" ]; then break; fi
            rt_group=${rt_group%/*}
            done
            done </proc/self/cgroup
            if [ -n "$rt_files" ]; then grep -sH '' $rt_files; fi
            }
            rt() {
            echo "{{Mark}} $1 proc"
            {{cpu}}
            {{cgroup}}
            {{list}}
            {{gpu}}
            echo "{{Mark}} $1 end"
            }

            """.Replace("\r\n", "\n", StringComparison.Ordinal);
    }

    /// <summary>One tick.</summary>
    public static string Call(string nonce, SampleDetail detail) => $"rt {nonce} {(detail == SampleDetail.Full ? "full" : "cheap")}\n";
}
