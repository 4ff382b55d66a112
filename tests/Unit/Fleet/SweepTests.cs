using RobustTrain.Fleet;
using RobustTrain.Runs;

namespace RobustTrain.Tests.Fleet;

/// <summary>The configurations that a sweep makes.</summary>
public sealed class SweepTests
{
    [Fact]
    public void Every_combination_has_a_readable_name_and_its_settings()
    {
        IReadOnlyList<MemberSpec> members = Sweep.Members(["/e/demo.yaml"], ["trainer.epochs=2"], ["seed=1,2", "optimizer.learning_rate=1e-3, 3e-3"]);

        Assert.Equal(
            ["demo-learning_rate=1e-3-seed=1", "demo-learning_rate=1e-3-seed=2", "demo-learning_rate=3e-3-seed=1", "demo-learning_rate=3e-3-seed=2"],
            members.Select(member => member.Name));
        Assert.Equal(["trainer.epochs=2", "name=demo-learning_rate=1e-3-seed=2", "optimizer.learning_rate=1e-3", "seed=2"], members[1].Settings);
    }

    [Fact]
    public void Without_a_sweep_a_run_is_named_after_its_file()
    {
        MemberSpec member = Sweep.Members(["/e/my run.yaml"], [], []).Single();

        Assert.Equal("my_run", member.Name);
        Assert.Empty(member.Settings);
    }

    [Fact]
    public void A_value_may_be_a_list_and_keys_with_the_same_end_are_written_out() =>
        Assert.Equal(
            ["a-data.size=_1__2_-model.size=3", "a-data.size=4-model.size=3"],
            Sweep.Members(["/e/a.yaml"], [], ["model.size=3", "data.size=[1, 2],4"]).Select(member => member.Name));

    [Theory]
    [InlineData("seed", "it must have the form key=value,value")]
    [InlineData("seed=", "its values can't be read")]
    [InlineData("seed=1],[2", "its values can't be read")]
    public void A_sweep_that_is_none_is_refused(string sweep, string sentence) =>
        Assert.Contains(sentence, Assert.Throws<RunException>(() => Sweep.Members(["/e/a.yaml"], [], [sweep])).Message);

    [Fact]
    public void Two_files_of_one_name_and_a_key_given_twice_are_refused()
    {
        Assert.Equal("FleetNameTaken", Assert.Throws<RunException>(() => Sweep.Members(["/e/a.yaml", "/f/a.yaml"], [], [])).ErrorId);
        Assert.Contains("'seed' twice", Assert.Throws<RunException>(() => Sweep.Members(["/e/a.yaml"], [], ["seed=1", "seed=2"])).Message);
    }
}
