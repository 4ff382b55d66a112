using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Training.Steps;

/// <summary>
/// What a loss is multiplied by before its gradient is taken, and the gradient divided by, so that small gradients are not lost in 16 bits: as large as
/// steps allow (Micikevicius et al., 2018, section 3.2; growth and retreat as torch.amp's GradScaler has them).
/// </summary>
/// <param name="isUsed">Whether the network computes in a format whose range needs it; else it is 1 for ever.</param>
internal sealed class LossScale(bool isUsed) : ICheckpointState
{
    private const string StateKey = "loss_scale";
    private const double First = 65536;
    private const int StepsToGrowth = 2000;

    private int _steps;

    /// <summary>The factor, a power of 2.</summary>
    public double Factor { get; private set; } = isUsed ? First : 1;

    /// <summary>Whether a gradient that is not finite may be the factor's fault.</summary>
    public bool CanRetreat => isUsed && Factor > 1;

    /// <summary>A step went well: after enough of them a greater factor is tried.</summary>
    public void Accept()
    {
        if (!isUsed || ++_steps < StepsToGrowth)
            return;
        Factor *= 2;
        _steps = 0;
    }

    /// <summary>A step's gradient was not finite: it is left out, and the next ones are computed with half the factor.</summary>
    public void Retreat()
    {
        Factor /= 2;
        _steps = 0;
    }

    /// <inheritdoc/>
    public void Save(CheckpointDraft draft)
    {
        if (isUsed)
            draft.Set(StateKey, new State(Factor, _steps));
    }

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive)
    {
        if (isUsed)
            (Factor, _steps) = archive.Get<State>(StateKey);
    }

    private sealed record State(double Factor, int Steps);
}
