// What a training on many ranks costs and loses: a simulation over days, fed with figures measured on this project. docs/scale.md tells what it says.
using System.Globalization;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
Settings settings = Settings.Parse(args);
Console.WriteLine(
    $"{settings.RanksPerHost} ranks a host; a step of {settings.StepSeconds} s with jitter {settings.Jitter}; {settings.GradientMegabytes} MB of gradient in buckets of {settings.BucketMegabytes} MB, "
    + $"{settings.MegabytesPerSecond} MB/s, {1e6 * settings.MessageSeconds:F0} us a message; a host fails every {settings.HostDays} days and is back after {settings.RepairSeconds / 3600} h; "
    + $"a checkpoint holds {settings.HeldSeconds} s and is written in {settings.WriteSeconds} s; a restart takes {settings.RestartSeconds} s, by a person {settings.HandSeconds} s; {settings.Days} days, seed {settings.Seed}");
Console.WriteLine();
Console.WriteLine("| ranks | step | of it sums | of it waiting for the slowest | failures a day | checkpoint every | checkpoints | repeated work | restarts | fewer hosts | useful | useful where a person restarts |");
Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
foreach (int ranks in settings.Ranks)
{
    Outcome ours = new Simulation(settings, ranks, settings.RestartSeconds, goesOnWithFewer: true).Run();
    Outcome byHand = new Simulation(settings, ranks, settings.HandSeconds, goesOnWithFewer: false).Run();
    Console.WriteLine(
        $"| {ranks} | {1000 * ours.StepSeconds:F0} ms | {Share(ours.SumSeconds / ours.StepSeconds)} | {Share(ours.StragglerSeconds / ours.StepSeconds)} | {ours.FailuresPerDay:F2} "
        + $"| {ours.IntervalSeconds:F0} s | {Share(ours.CheckpointShare)} | {Share(ours.RepeatedShare)} | {Share(ours.RestartShare)} | {Share(ours.FewerShare)} | {Share(ours.UsefulShare)} | {Share(byHand.UsefulShare)} |");
}

static string Share(double share) => $"{100 * share:F2} %";

/// <summary>The figures that the simulation is fed with; each is an option of the same name.</summary>
internal sealed record Settings
{
    public int[] Ranks { get; init; } = [8, 64, 1024];

    public int RanksPerHost { get; init; } = 8;

    /// <summary>Forward, loss, backward and update of one rank's shards.</summary>
    public double StepSeconds { get; init; } = 0.5;

    /// <summary>The spread of a rank's step, as the standard deviation of its logarithm.</summary>
    public double Jitter { get; init; } = 0.03;

    public double GradientMegabytes { get; init; } = 100;

    /// <summary>What one rank can send and receive.</summary>
    public double MegabytesPerSecond { get; init; } = 10_000;

    /// <summary>What a message costs apart from its bytes.</summary>
    public double MessageSeconds { get; init; } = 5e-6;

    public double BucketMegabytes { get; init; } = 16;

    /// <summary>
    /// Days of one host between two failures. Llama 3's training met 419 unexpected interruptions in 54 days on 16,384 GPUs, eight a host
    /// (Grattafiori et al. 2024, "The Llama 3 Herd of Models", section 3.3.4): one in 264 days of a host.
    /// </summary>
    public double HostDays { get; init; } = 264;

    /// <summary>How long a checkpoint holds the training; the rest is written beside it.</summary>
    public double HeldSeconds { get; init; } = 0.05;

    /// <summary>How long a checkpoint takes until it can be used.</summary>
    public double WriteSeconds { get; init; } = 5;

    /// <summary>
    /// From a host that goes without a word to the next new step: trainer.rank_timeout_seconds (30), 5 for the ssh connection that tries it, 15 for the look at
    /// its heartbeat in the run's folder, and 3 as measured from the kill of a rank.
    /// </summary>
    public double RestartSeconds { get; init; } = 53;

    /// <summary>Until a person, or a scheduler's queue, starts again what has ended.</summary>
    public double HandSeconds { get; init; } = 3600;

    /// <summary>Until a failed host is back.</summary>
    public double RepairSeconds { get; init; } = 4 * 3600;

    public double Days { get; init; } = 365;

    public int Seed { get; init; } = 1;

    public static Settings Parse(string[] arguments)
    {
        Settings settings = new();
        for (int i = 0; i < arguments.Length; i += 2)
        {
            string name = arguments[i];
            string value = i + 1 < arguments.Length ? arguments[i + 1] : throw new ArgumentException($"{name} has no value.");
            double Number() => double.Parse(value, CultureInfo.InvariantCulture);
            settings = name switch
            {
                "--ranks" => settings with { Ranks = [.. value.Split(',').Select(int.Parse)] },
                "--ranks-per-host" => settings with { RanksPerHost = (int)Number() },
                "--step-seconds" => settings with { StepSeconds = Number() },
                "--jitter" => settings with { Jitter = Number() },
                "--gradient-megabytes" => settings with { GradientMegabytes = Number() },
                "--megabytes-per-second" => settings with { MegabytesPerSecond = Number() },
                "--message-seconds" => settings with { MessageSeconds = Number() },
                "--bucket-megabytes" => settings with { BucketMegabytes = Number() },
                "--host-days" => settings with { HostDays = Number() },
                "--held-seconds" => settings with { HeldSeconds = Number() },
                "--write-seconds" => settings with { WriteSeconds = Number() },
                "--restart-seconds" => settings with { RestartSeconds = Number() },
                "--hand-seconds" => settings with { HandSeconds = Number() },
                "--repair-seconds" => settings with { RepairSeconds = Number() },
                "--days" => settings with { Days = Number() },
                "--seed" => settings with { Seed = (int)Number() },
                _ => throw new ArgumentException($"There is no option {name}."),
            };
        }

        return settings;
    }
}

/// <summary>What became of the time.</summary>
internal sealed record Outcome(
    double StepSeconds, double SumSeconds, double StragglerSeconds, double FailuresPerDay, double IntervalSeconds,
    double CheckpointShare, double RepeatedShare, double RestartShare, double FewerShare, double UsefulShare);

/// <summary>
/// One training over many days. Hosts fail independently and without memory. A failure loses the work since the newest checkpoint that was whole, and the time of a
/// restart; the training then goes on with the hosts that are left, at the largest number of them that divides the number at the start, or, where it does not
/// go on with fewer, when the host is back.
/// </summary>
internal sealed class Simulation(Settings settings, int ranks, double restartSeconds, bool goesOnWithFewer)
{
    private const int Samples = 2000;
    private const double Day = 86400;

    private readonly Random _random = new(settings.Seed);
    private readonly int _hosts = Math.Max(1, ranks / settings.RanksPerHost);

    public Outcome Run()
    {
        double slowest = MeanSlowest() * settings.StepSeconds;
        double sums = SumSeconds();
        double step = slowest + sums;
        double interval = BestInterval();
        double end = settings.Days * Day;
        double now = 0;
        double useful = 0, checkpoints = 0, repeated = 0, restarts = 0, fewer = 0;
        int failures = 0;
        // When each failed host is back.
        List<double> repairs = [];
        while (now < end)
        {
            repairs.RemoveAll(back => back <= now);
            int alive = Usable(_hosts - repairs.Count);
            if (alive == 0 || (!goesOnWithFewer && repairs.Count > 0))
            {
                double wait = repairs.Min() - now;
                restarts += wait;
                now += wait;
                continue;
            }

            double failure = Exponential(settings.HostDays * Day / (_hosts - repairs.Count));
            double back = repairs.Count > 0 ? repairs.Min() - now : double.PositiveInfinity;
            double stretch = Math.Min(Math.Min(failure, back), end - now);
            double held = settings.HeldSeconds / (interval + settings.HeldSeconds) * stretch;
            double trained = stretch - held;
            checkpoints += held;
            fewer += trained * (1 - ((double)alive / _hosts));
            useful += trained * alive / _hosts;
            now += stretch;
            if (stretch < failure)
                continue;
            failures++;
            // The newest whole checkpoint is, in the mean, half an interval and one writing old.
            double lost = Math.Min(trained, (_random.NextDouble() * interval) + settings.WriteSeconds);
            repeated += lost;
            useful -= lost * alive / _hosts;
            restarts += restartSeconds;
            now += restartSeconds;
            repairs.Add(now + settings.RepairSeconds);
        }

        double compute = settings.StepSeconds / step;
        return new Outcome(
            step, sums, slowest - settings.StepSeconds, failures / settings.Days, interval,
            checkpoints / now, repeated / now, restarts / now, fewer / now, useful / now * compute);
    }

    // The largest number of hosts that is alive and divides the hosts at the start, so that each has as many shards as the others.
    private int Usable(int alive)
    {
        while (alive > 0 && _hosts % alive != 0)
            alive--;
        return alive;
    }

    // Young's rule (1974): the square root of twice what a checkpoint costs times the time between failures; but no sooner than one is written.
    private double BestInterval()
    {
        double between = settings.HostDays * Day / _hosts;
        return Math.Max(settings.WriteSeconds, Math.Sqrt(2 * settings.HeldSeconds * between));
    }

    // Each rank sends its sums to every other one and takes theirs, once to add them up and once to hand the sums out: bucket after bucket.
    private double SumSeconds()
    {
        if (ranks == 1)
            return 0;
        double buckets = Math.Ceiling(settings.GradientMegabytes / settings.BucketMegabytes);
        double bytes = 2 * settings.GradientMegabytes * (ranks - 1) / ranks / settings.MegabytesPerSecond;
        return bytes + (2 * buckets * (ranks - 1) * settings.MessageSeconds);
    }

    // All wait for the slowest: the mean of the largest of as many draws as there are ranks.
    private double MeanSlowest()
    {
        double sum = 0;
        for (int sample = 0; sample < Samples; sample++)
        {
            double slowest = 0;
            for (int rank = 0; rank < ranks; rank++)
                slowest = Math.Max(slowest, Math.Exp(settings.Jitter * Normal()));
            sum += slowest;
        }

        return sum / Samples;
    }

    private double Exponential(double mean) => -mean * Math.Log(1 - _random.NextDouble());

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
}
