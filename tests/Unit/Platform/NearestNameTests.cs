using RobustTrain.Platform;

namespace RobustTrain.Tests.Platform;

public sealed class NearestNameTests
{
    private static readonly string[] Names = ["auto", "nvml", "nvidia-smi", "UtilizationPercent", "learning_rate"];

    [Theory]
    [InlineData("nvlm", "nvml")]
    [InlineData("Auto", "auto")]
    [InlineData("nvidia-sim", "nvidia-smi")]
    [InlineData("Utilization", "UtilizationPercent")]
    [InlineData("lerning_rat", "learning_rate")]
    public void A_slip_of_the_fingers_and_a_beginning_are_near(string typed, string meant) => Assert.Equal(meant, NearestName.Of(typed, Names));

    [Theory]
    [InlineData("x")]
    [InlineData("batch")]
    [InlineData("")]
    public void Another_word_is_near_to_none(string typed)
    {
        Assert.Null(NearestName.Of(typed, Names));
        Assert.Equal("", NearestName.Hint(typed, Names));
    }

    [Fact]
    public void A_hint_names_the_nearest() => Assert.Equal(" Did you mean nvml?", NearestName.Hint("nvmll", Names));
}
