using RobustTrain.Chaos;

namespace RobustTrain.Tests.Host;

/// <summary>The short form of <c>./build.sh chaos</c>.</summary>
public sealed class ChaosTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_training_among_faults_ends_with_the_same_bits_and_leaves_nothing()
    {
        using StringWriter told = new();
        ChaosReport report = new ChaosRun(
            new ChaosOptions
            {
                Faults = 4,
                Seed = 3,
                Host = HostRun.Executable,
                Settings = ["model.base_channels=2"],
                Epochs = 3,
                Pairs = 48,
                Side = 64,
                BatchSize = 2,
                Folder = _folder.Path,
            },
            told).Run();
        report.WriteTo(told);

        Assert.True(report.IsClean, told.ToString());
        Assert.Equal("4 faults, 0 differences, 0 samples lost, 0 processes and 0 files left", report.Summary);
        Assert.Equal((72, 144), (report.Comparison.Losses, report.Comparison.SamplesDelivered));
        Assert.True(report.Comparison.WeightBytes > 0);
    }

    [Fact]
    public void The_same_seed_gives_the_same_faults_and_every_kind_comes_in_turn()
    {
        IReadOnlyList<Fault> faults = Schedule(seed: 1);

        Assert.Equal(faults, Schedule(seed: 1));
        Assert.NotEqual(faults, Schedule(seed: 2));
        Assert.Equal(faults.Select(fault => fault.Step).Order(), faults.Select(fault => fault.Step));
        Assert.Equal(FaultSchedule.OfOneProcess(canFillDisk: true), faults.Select(fault => fault.Kind).Distinct().Order());
        Assert.DoesNotContain(FaultSchedule.Create(20, 1, 90, TimeSpan.FromSeconds(0.1), FaultSchedule.OfOneProcess(canFillDisk: false)), fault => fault.Kind == FaultKind.FillDisk);
    }

    private static IReadOnlyList<Fault> Schedule(int seed) => FaultSchedule.Create(20, seed, 90, TimeSpan.FromSeconds(0.1), FaultSchedule.OfOneProcess(canFillDisk: true));
}
