using RobustTrain.Host.Launching;
using RobustTrain.Runs;

namespace RobustTrain.Tests.Host;

public sealed class HostWaitTests
{
    private static readonly RunException s_away = new(ExitCode.Configuration, "ConnectionTimedOut", "a did not answer in time.", "a");

    private readonly ManualTime _time = new();
    private readonly List<string> _said = [];
    private int _looks;

    [Fact]
    public void Hosts_of_which_one_answers_are_not_waited_for()
    {
        RunException?[] found = Wait([s_away, null]).Run(_said.Add, CancellationToken.None);

        Assert.Equal([s_away, null], found);
        Assert.Equal(1, _looks);
        Assert.Empty(_said);
    }

    [Fact]
    public void The_first_host_that_is_back_ends_the_wait()
    {
        RunException?[] found = Wait([s_away, s_away], [s_away, s_away], [s_away, null]).Run(_said.Add, CancellationToken.None);

        Assert.Equal([s_away, null], found);
        Assert.Equal(["No host answers: a did not answer in time. The run waits for one for up to 10 minutes."], _said);
    }

    [Fact]
    public void Hosts_that_stay_away_are_given_up_after_the_limit()
    {
        RunException?[] found = Wait([s_away]).Run(_said.Add, CancellationToken.None);

        Assert.Equal([s_away], found);
        Assert.Equal(11, _looks);
        Assert.Single(_said);
    }

    [Fact]
    public void A_stop_ends_the_wait()
    {
        using CancellationTokenSource stopping = new();
        RunException?[] found = Wait([s_away]).Run(_ => stopping.Cancel(), stopping.Token);

        Assert.Equal([s_away], found);
        Assert.Equal(2, _looks);
    }

    // A look takes a minute and finds what is next, the last again and again.
    private HostWait Wait(params RunException?[][] looks)
    {
        return new HostWait(Look, TimeSpan.FromMinutes(10), pause: TimeSpan.Zero, _time);

        RunException?[] Look(CancellationToken stopping)
        {
            RunException?[] found = looks[Math.Min(_looks, looks.Length - 1)];
            if (_looks++ > 0)
                _time.Advance(TimeSpan.FromMinutes(1));
            return found;
        }
    }
}
