using System.Runtime.Versioning;
using System.Text;
using RobustTrain.Runs.Scheduling;
using RobustTrain.Tests.Monitoring;

namespace RobustTrain.Tests.Runs.Scheduling;

/// <summary>A folder with a configuration and programs in the place of crontab, systemctl and schtasks, which keep what they are told.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class FakeSchedulers : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public FakeSchedulers()
    {
        File.WriteAllText(At("my.yaml"), "");
        Crontab = new CronScheduler(Stub("crontab"));
        Systemd = new SystemdScheduler(Units, isUser: false, Stub("systemctl"));
        Windows = new WindowsTaskScheduler(Stub("schtasks"));
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

    private string Stub(string name)
    {
        File.Copy(System.IO.Path.Combine(TestFiles.Root, "tests", "scheduler-stubs", name), At(name));
        return At(name);
    }

    public void Dispose() => _folder.Dispose();
}
