using System.Runtime.Versioning;
using System.Text;
using RobustTrain.Runs.Scheduling;

namespace RobustTrain.Tests.Runs.Scheduling;

/// <summary>A folder with a configuration and programs in the place of crontab, systemctl and schtasks, which keep what they are told.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class FakeSchedulers : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public FakeSchedulers()
    {
        File.WriteAllText(At("my.yaml"), "");
        Crontab = new CronScheduler(Program("crontab", """
            [ ! -e "$0.fails" ] || { cat "$0.fails" >&2; exit 1; }
            case $1 in
              -l) cat "$0.tab" 2>/dev/null || { echo 'no crontab for me' >&2; exit 1; } ;;
              -r) rm "$0.tab" ;;
              -) cat >"$0.new"; [ ! -e "$0.refuses" ] || { echo 'errors in crontab file, can'"'"'t install' >&2; exit 1; }; mv "$0.new" "$0.tab" ;;
              *) exit 64 ;;
            esac
            """));
        Systemd = new SystemdScheduler(Units, isUser: false, Program("systemctl", """
            echo "$*" >>"$0.calls"
            case $1 in
              show) printf 'ActiveState=active\nNextElapseUSecRealtime=@1764540000\n' ;;
              enable) [ ! -e "$0.refuses" ] || { echo 'Failed to enable unit: Access denied' >&2; exit 1; } ;;
            esac
            """));
        Windows = new WindowsTaskScheduler(Program("schtasks", """
            tasks=$0.tasks; mkdir -p "$tasks"; echo "$*" >>"$0.calls"
            verb=$1 name= file=; shift
            while [ $# -gt 0 ]; do case $1 in /tn) name=$2; shift ;; /xml) [ "$verb" = /query ] || { file=$2; shift; } ;; esac; shift; done
            case $verb in
              /create) [ ! -e "$0.refuses" ] || { echo 'ERROR: Access is denied.' >&2; exit 1; }; iconv -f UTF-16 -t UTF-8 "$file" >"$tasks/$name" ;;
              /delete) rm "$tasks/$name" ;;
              /query) if [ "$name" ]; then cat "$tasks/$name"; else echo '"\Backup","N/A","Ready"'; for task in "$tasks"/*; do [ ! -e "$task" ] || echo "\"\\${task##*/}\",\"11/30/2026 22:00:00\",\"Ready\""; done; fi ;;
            esac
            """));
    }

    public CronScheduler Crontab { get; }

    public SystemdScheduler Systemd { get; }

    public WindowsTaskScheduler Windows { get; }

    public string Path => _folder.Path;

    public string Units => At("units");

    public string At(params string[] parts) => _folder.At(parts);

    public TrainingTask Task(string name = "nightly") => new()
    {
        Name = name,
        ConfigurationPath = At("my.yaml"),
        RunPath = At("runs", name),
        WorkingFolder = Path,
        At = new TimeOnly(22, 0),
        Hours = 8,
    };

    public TaskEnvironment Environment => new(At("host", "robusttrain"), At("scripts"), @"C:\Program Files\PowerShell\7\pwsh.exe");

    /// <summary>A program of a few lines.</summary>
    public string Program(string name, string lines)
    {
        string file = _folder.Write(name, Encoding.UTF8.GetBytes($"#!/bin/sh\n{lines}\n"));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return file;
    }

    public void Dispose() => _folder.Dispose();
}
