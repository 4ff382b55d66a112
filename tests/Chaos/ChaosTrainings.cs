using System.Diagnostics;
using System.Globalization;
using RobustTrain.Runs.Events;

namespace RobustTrain.Chaos;

/// <summary>The trainings that are compared: where they work, on which data, and how they are started.</summary>
/// <param name="options">What to train.</param>
internal sealed class ChaosTrainings(ChaosOptions options)
{
    private readonly string _mark = $"robusttrain-chaos-{Guid.NewGuid():N}";

    /// <summary>The run that nothing befalls.</summary>
    public string UntouchedPath => PathOf("untouched");

    /// <summary>The run among faults.</summary>
    public string FaultyPath => PathOf("faulty");

    private string DataPath => PathOf("data");

    private string TemporaryPath => PathOf("tmp");

    /// <summary>Where a run works.</summary>
    public string PathOf(string name) => Path.Combine(options.Folder, name);

    /// <summary>Writes what is trained on.</summary>
    public void WriteData()
    {
        Directory.CreateDirectory(TemporaryPath);
        if (options.Task is not { } task)
        {
            Pairs.Write(DataPath, options.Pairs, options.Side);
            return;
        }

        using Process made = Process.Start(new ProcessStartInfo(options.Host, ["sample-data", DataPath, "--task", task]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = made.StandardError.ReadToEndAsync();
        made.StandardOutput.ReadToEnd();
        made.WaitForExit();
        if (made.ExitCode != 0)
            throw new InvalidOperationException($"The data for {task} were not made: {errors.Result.Trim()}");
    }

    /// <summary>Starts a training in one process, or goes on with it.</summary>
    /// <param name="runPath">The run.</param>
    /// <param name="more">More arguments.</param>
    /// <param name="variables">More variables of the environment.</param>
    /// <param name="happened">Takes its events, on another thread.</param>
    public TrainerProcess Start(string runPath, IEnumerable<string>? more = null, IReadOnlyDictionary<string, string>? variables = null, Action<RunEvent>? happened = null)
    {
        string[] data = options.Task is null
            ? ["data.dataset=change-pairs", string.Create(CultureInfo.InvariantCulture, $"data.crop_size={options.Side}")]
            : [];
        string[] settings =
        [
            .. data, $"data.path={DataPath}", "threads=1", string.Create(CultureInfo.InvariantCulture, $"trainer.epochs={options.Epochs}"), "trainer.log_interval_seconds=0",
            string.Create(CultureInfo.InvariantCulture, $"loader.batch_size={options.BatchSize}"), "loader.worker_kind=process", "loader.num_workers=2",
            "loader.timeout_seconds=1", "loader.health_check_interval_seconds=0.2", "checkpoint.every_steps=3",
            .. options.Settings,
        ];
        string[] arguments = ["train", .. options.ConfigPath is { } config ? [config] : Array.Empty<string>(), "--run-path", runPath, "--resume", "auto", "--life-line", "--events"];

        // As Start-Training and the scripts start it: what a process that is killed in its first milliseconds would leave is .NET's.
        Dictionary<string, string> environment = new(variables ?? new Dictionary<string, string>())
        {
            ["TMPDIR"] = TemporaryPath, ["TMP"] = TemporaryPath, ["TEMP"] = TemporaryPath, ["ROBUSTTRAIN_CHAOS"] = _mark, ["DOTNET_EnableDiagnostics"] = "0",
        };
        return new TrainerProcess(options.Host, [.. arguments, .. settings.SelectMany(setting => new[] { "--set", setting }), .. more ?? []], environment, happened);
    }

    /// <summary>Trains in one process, which nothing befalls.</summary>
    /// <returns>Its steps, and how long it took.</returns>
    public (long Steps, TimeSpan Duration) TrainUntouched()
    {
        long began = Stopwatch.GetTimestamp();
        using TrainerProcess untouched = Start(UntouchedPath);
        if (!untouched.WaitForEnd(options.Limit) || untouched.ExitCode != 0)
            throw new InvalidOperationException($"The untouched training did not finish: {(untouched.HasEnded ? untouched.LastWords : "it took too long.")}");
        return (RunFiles.StepsOf(UntouchedPath), Stopwatch.GetElapsedTime(began));
    }

    /// <summary>What the faulty run has left behind.</summary>
    public Leftovers FindLeftovers() => Leftovers.Find(options.Folder, _mark, FaultyPath, TemporaryPath);
}
