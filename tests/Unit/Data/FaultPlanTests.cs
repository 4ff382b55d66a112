using RobustTrain.Data;
using RobustTrain.Data.Loading.Workers;

namespace RobustTrain.Tests.Data;

public sealed class FaultPlanTests
{
    [Theory]
    [InlineData("boom:0.1", "boom")]
    [InlineData("kill:2", "probability")]
    [InlineData("kill@x", "index")]
    [InlineData("", "No fault")]
    public void A_fault_plan_that_is_none_is_a_sentence(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => FaultPlan.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_fault_plan_reads_what_it_writes()
    {
        const string text = "kill:0.01,stall@7!,corrupt:0.25!";
        Assert.Equal(text, FaultPlan.Parse(text).ToString());
    }

    [Theory]
    [InlineData(10, 1000, 10)]
    [InlineData(0.01, 1000, 10)]
    [InlineData(0, 1000, 0)]
    public void A_budget_is_a_number_or_a_share(double budget, int samples, int expected) =>
        Assert.Equal(expected, new LoaderOptions { MaxSkipped = budget }.MaxSkippedOf(samples));
}
