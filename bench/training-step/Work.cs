using System.Globalization;

namespace RobustTrain.Bench.TrainingStep;

/// <summary>What either side does; the same words are the arguments of step.py.</summary>
internal sealed record Work
{
    public string Model { get; init; } = "fc-siam-diff";

    public int BaseChannels { get; init; } = 16;

    public int Batch { get; init; } = 16;

    public int Side { get; init; } = 112;

    public int Threads { get; init; } = 2;

    /// <summary>Into how many shards the trainer cuts the batch, in one process.</summary>
    public int Shards { get; init; } = 1;

    /// <summary>Among how many ranks the batch is shared, of so many threads each.</summary>
    public int Ranks { get; init; } = 1;

    /// <summary>Whether the shards have their batch statistics in common.</summary>
    public bool Synchronized { get; init; }

    public int Turns { get; init; } = 15;

    public int Steps { get; init; } = 4;

    public string Python { get; init; } = "/usr/bin/python3";

    public static Work Parse(IReadOnlyList<string> arguments)
    {
        Work work = new();
        for (int i = 0; i < arguments.Count; i += 2)
        {
            if (i + 1 == arguments.Count) throw new ArgumentException($"{arguments[i]} has no value.");
            string value = arguments[i + 1];
            work = arguments[i] switch
            {
                "--model" => work with { Model = value },
                "--base-channels" => work with { BaseChannels = Number(value) },
                "--batch" => work with { Batch = Number(value) },
                "--side" => work with { Side = Number(value) },
                "--threads" => work with { Threads = Number(value) },
                "--shards" => work with { Shards = Number(value) },
                "--ranks" => work with { Ranks = Number(value), Shards = Number(value) },
                "--synchronized" => work with { Synchronized = bool.Parse(value) },
                "--turns" => work with { Turns = Number(value) },
                "--steps" => work with { Steps = Number(value) },
                "--python" => work with { Python = value },
                _ => throw new ArgumentException($"There is no option {arguments[i]}."),
            };
        }

        return work;
    }

    public IReadOnlyList<string> WorkerArguments =>
    [
        "--model", Model, "--base-channels", Text(BaseChannels), "--batch", Text(Batch), "--side", Text(Side),
        "--threads", Text(Threads), "--steps", Text(Steps),
    ];

    private static int Number(string value) => int.Parse(value, CultureInfo.InvariantCulture);

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
