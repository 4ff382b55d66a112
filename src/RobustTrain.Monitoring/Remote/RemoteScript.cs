using System.Globalization;
using RobustTrain.Monitoring.Gpu.NvidiaSmi;

namespace RobustTrain.Monitoring.Remote;

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
        string limit = Math.Max(1, timeout.TotalSeconds * 0.6).ToString("0.###", CultureInfo.InvariantCulture);
        string cpu = kinds.HasFlag(MonitorKinds.Cpu)
            ? "grep -sHE '^(cpu|some|full|Mem|Buffers|Cached|Swap|[0-9]+\\.)' /proc/stat /proc/loadavg /proc/meminfo /proc/pressure/cpu /proc/pressure/memory /proc/pressure/io"
            : ":";
        string gpu = !kinds.HasFlag(MonitorKinds.Gpu) ? ":" : $$"""
            if command -v nvidia-smi >/dev/null 2>&1; then
            if [ "$2" = full ]; then echo "{{Mark}} $1 smi-xml"; rt_limit nvidia-smi -q -x; else echo "{{Mark}} $1 smi-csv"; rt_limit nvidia-smi {{SmiCsv.Query}}; fi 2>&1
            echo "{{Mark}} $1 smi-exit $?"
            else echo "{{Mark}} $1 smi-missing"; fi
            """;
        string list = processes
            ? $"if [ \"$2\" = full ]; then echo \"{Mark} $1 ps\"; ps -eo pid=,etimes=,user:32=,rss=,stat=,args= 2>/dev/null; fi"
            : ":";
        return $$"""
            LC_ALL=C PATH="$PATH:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"; export LC_ALL PATH
            if command -v timeout >/dev/null 2>&1; then rt_limit() { timeout -k 1 {{limit}} "$@" </dev/null; }; else rt_limit() { "$@" </dev/null; }; fi
            rt() {
            echo "{{Mark}} $1 proc"
            {{cpu}}
            {{list}}
            {{gpu}}
            echo "{{Mark}} $1 end"
            }

            """.Replace("\r\n", "\n", StringComparison.Ordinal);
    }

    /// <summary>One tick.</summary>
    public static string Call(string nonce, SampleDetail detail) => $"rt {nonce} {(detail == SampleDetail.Full ? "full" : "cheap")}\n";
}
