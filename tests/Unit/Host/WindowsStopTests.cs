using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Host;

/// <summary>What stops a training on Windows, where there are no signals.</summary>
public sealed partial class WindowsStopTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public WindowsStopTests() => TinyPairs.Write(_folder.At("data"));

    public void Dispose() => _folder.Dispose();

    private string[] Arguments => [
        "train", "--run-path", "run", "--events",
        "--set", "data.path=data", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=32", "--set", "loader.batch_size=2",
        "--set", "loader.num_workers=1", "--set", "model.base_channels=2", "--set", "trainer.epochs=100000", "--set", "threads=1",
    ];

    [WindowsFact]
    public async Task A_request_from_another_process_stops_with_a_checkpoint_and_the_run_goes_on_from_it()
    {
        RunRecord stopped = await Stop(training => Assert.Null(StopRequest.Send(training)), "Stop-Training");

        using LiveTraining goesOn = new(HostRun.Start(_folder.Path, "train", "--run-path", "run", "--resume", "require", "--events"));
        RunStarted started = await goesOn.Next<RunStarted>();
        await goesOn.Next<EpochFinished>();
        Assert.Null(StopRequest.Send(goesOn.ProcessId));
        Assert.Equal(75, (await goesOn.End()).ExitCode);
        Assert.Equal(stopped.EpochsDone - 1, started.ResumedFromEpoch);
    }

    [WindowsFact]
    public async Task Ctrl_C_stops_with_a_checkpoint() => await Stop(Interrupt, "Ctrl+C");

    [WindowsFact]
    public void A_process_that_does_not_listen_is_said() => Assert.Equal("it does not listen for requests", StopRequest.Send(4));

    [WindowsFact]
    public async Task Paths_that_are_not_ASCII_arrive_as_they_are()
    {
        HostRun run = await HostRun.To(_folder.Path, "config", "check", "--set", "data.path=Jürgen 日", "--events");
        Assert.Contains("Jürgen 日", Regex.Unescape(run.Output), StringComparison.Ordinal);
    }

    private async Task<RunRecord> Stop(Action<int> request, string reason)
    {
        ProcessStartInfo start = new(HostRun.Executable, Arguments)
        {
            WorkingDirectory = _folder.Path,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using LiveTraining training = new(Process.Start(start)!);
        await training.Next<EpochFinished>();
        request(training.ProcessId);

        Assert.Equal(75, (await training.End()).ExitCode);
        Assert.Equal(reason, Assert.Single(training.Events.OfType<StopRequested>()).Reason);
        RunRecord stopped = RunFolder.ReadRecord(_folder.At("run"));
        Assert.Equal((RunState.Stopped, 75), (stopped.State, stopped.ExitCode));
        Assert.NotEmpty(Directory.EnumerateDirectories(RunFolder.CheckpointsPathOf(_folder.At("run"))));
        return stopped;
    }

    // Ctrl+C goes to all processes of a console; this one joins the training's for a moment, and ignores it.
    private static void Interrupt(int process)
    {
        FreeConsole();
        Assert.NotEqual(0, AttachConsole(process));
        SetConsoleCtrlHandler(0, 1);
        Assert.NotEqual(0, GenerateConsoleCtrlEvent(0, 0));
        FreeConsole();
    }

    [LibraryImport("kernel32")]
    private static partial int FreeConsole();

    [LibraryImport("kernel32")]
    private static partial int AttachConsole(int process);

    [LibraryImport("kernel32")]
    private static partial int SetConsoleCtrlHandler(nint handler, int add);

    [LibraryImport("kernel32")]
    private static partial int GenerateConsoleCtrlEvent(int kind, int group);
}
