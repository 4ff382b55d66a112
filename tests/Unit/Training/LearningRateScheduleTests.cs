using RobustTrain.Runs;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Optimization;

namespace RobustTrain.Tests.Training;

public sealed class LearningRateScheduleTests
{
    [Fact]
    public void Constant_stays() => Assert.Equal([0.1, 0.1, 0.1], Rates(new ScheduleConfig { Name = "constant" }, 0, 50, 99));

    [Fact]
    public void Polynomial_falls_from_its_value_to_zero()
    {
        double[] rates = Rates(new ScheduleConfig { Name = "polynomial", Power = 0.9 }, 0, 50, 100);
        Assert.Equal([0.1, 0.1 * Math.Pow(0.5, 0.9), 0], rates);
    }

    [Fact]
    public void Cosine_is_half_in_the_middle()
    {
        double[] rates = Rates(new ScheduleConfig { Name = "cosine" }, 0, 50, 100);
        Assert.Equal(0.1, rates[0]);
        Assert.Equal(0.05, rates[1], 12);
        Assert.Equal(0, rates[2], 12);
    }

    [Fact]
    public void Step_falls_every_so_many_epochs() =>
        Assert.Equal([0.1, 0.1, 0.05, 0.05, 0.025], Rates(new ScheduleConfig { Name = "step", StepEpochs = 2, Gamma = 0.5 }, 0, 19, 20, 39, 40));

    [Theory]
    [InlineData("constant")]
    [InlineData("polynomial")]
    [InlineData("cosine")]
    [InlineData("step")]
    public void Every_shape_follows_a_linear_warm_up(string name)
    {
        double[] rates = Rates(new ScheduleConfig { Name = name, WarmupSteps = 4 }, 0, 1, 2, 3, 4);
        Assert.Equal([0.025, 0.05, 0.075, 0.1, 0.1], rates.Select(rate => Math.Round(rate, 12)));
    }

    [Fact]
    public void A_warm_up_as_long_as_the_training_is_refused()
    {
        RunException refused = Assert.Throws<RunException>(() => Rates(new ScheduleConfig { WarmupSteps = 100 }, 0));
        Assert.Equal((ExitCode.Configuration, "ScheduleWarmupTooLong"), (refused.ExitCode, refused.ErrorId));
        Assert.Contains("100 steps (10 epochs of 10)", refused.Message);
    }

    [Fact]
    public void An_unknown_shape_is_refused() =>
        Assert.Equal("ScheduleUnknown", Assert.Throws<RunException>(() => Rates(new ScheduleConfig { Name = "linear" }, 0)).ErrorId);

    private static double[] Rates(ScheduleConfig config, params long[] steps)
    {
        LearningRateSchedule schedule = LearningRateSchedule.Create(config, 0.1, stepsPerEpoch: 10, epochs: 10);
        return [.. steps.Select(schedule.At)];
    }
}
