using System.Text.Json;
using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Tests.Training;

/// <summary>A training of seconds: a narrow network on small squares, in a folder that goes with the test.</summary>
internal sealed class SmallTraining : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("robusttrain-test-").FullName;

    public TrainingConfig Config { get; set; } = new()
    {
        Seed = 7,
        Threads = 1,
        Model = new ModelConfig { BaseChannels = 2, Dropout = 0.2 },
        Data = new DataConfig { Path = Path.GetFullPath("/in memory") },
        Loader = new LoaderOptions { BatchSize = 4, EvalBatchSize = 4, NumWorkers = 2 },
        Optimizer = new OptimizerConfig { LearningRate = 0.01 },
        Schedule = new ScheduleConfig { Name = "cosine", WarmupSteps = 2 },
        Trainer = new TrainerConfig { Epochs = 3, LogIntervalSeconds = 0 },
    };

    public DataSplits Data { get; set; } = new(new SquaresDataset(14), new SquaresDataset(6, salt: 1), new SquaresDataset(6, salt: 2));

    public string RunPath => Path.Combine(_folder, "run");

    public string CheckpointsPath => RunFolder.CheckpointsPathOf(RunPath);

    public CheckpointStore Checkpoints => new(CheckpointsPath);

    /// <summary>Trains, from the latest checkpoint where there is one.</summary>
    public TrainingOutcome Run(MemoryJournal? journal = null, TrainingControl? control = null)
    {
        TrainingPlan plan = TrainingPlan.Create(Config, Data);
        using RunFolder run = RunFolder.Open(RunPath, Config, ResumeMode.Auto, RunVersions.Current());
        using TrainingControl own = new();
        return new Trainer(plan, run, journal ?? new MemoryJournal()).Run(control ?? own);
    }

    /// <summary>Trains until as many steps are done in this attempt, and stops there.</summary>
    public TrainingOutcome RunSteps(int steps, MemoryJournal? journal = null)
    {
        using TrainingControl control = new();
        int done = 0;
        return Run(
            new MemoryJournal(runEvent =>
            {
                journal?.Write(runEvent);
                if (runEvent is StepFinished && ++done == steps)
                    control.RequestStop();
            }),
            control);
    }

    /// <summary>Everything in the newest checkpoint that must not depend on what happened on the way.</summary>
    public IReadOnlyDictionary<string, string> FinalState()
    {
        Checkpoint latest = Checkpoints.List()[0];
        var state = latest.Manifest.Files.ToDictionary(file => file.Key, file => file.Value.Sha256!);
        // Which worker delivered what differs from run to run; what was delivered, and in which order, does not.
        foreach (string ledger in Directory.EnumerateFiles(Path.Combine(RunPath, "epochs"), "ledger.json", SearchOption.AllDirectories))
        {
            JsonElement account = JsonDocument.Parse(File.ReadAllBytes(ledger)).RootElement;
            state.Add(Path.GetRelativePath(RunPath, ledger), $"{account.GetProperty("digest")} {account.GetProperty("delivered")} {account.GetProperty("batches")}");
        }

        foreach (string file in Directory.EnumerateFiles(Path.Combine(RunPath, "epochs"), "*", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(file) != "ledger.json").Append(Path.Combine(RunPath, "test.json")))
            state.Add(Path.GetRelativePath(RunPath, file), File.ReadAllText(file));
        return state;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static float[] Floats(SafeTensorsReader file, string name) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(file.Read(name)).ToArray();
}
