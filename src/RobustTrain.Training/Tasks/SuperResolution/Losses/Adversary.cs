using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Optimization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.SuperResolution.Losses;

/// <summary>The discriminator of a training, and what changes it. A checkpoint holds all of it: weights, spectral vectors, the optimiser.</summary>
internal sealed class Adversary : ICheckpointState, IDisposable
{
    private readonly Learner _learner;
    private readonly ICheckpointState[] _states;

    /// <summary>The discriminator that a configuration asks for, with its first weights.</summary>
    public Adversary(TrainingConfig config, Device device)
    {
        Config = config.Gan;
        Discriminator = new UNetDiscriminator(config.Model.InChannels, config.Gan.Features, config.Seed);
        Discriminator.to(device);
        (string Name, Parameter Parameter)[] learned = [.. Discriminator.named_parameters().Select(named => (named.name, named.parameter))];
        OptimizerConfig optimizer = config.Optimizer with { LearningRate = config.Gan.DiscriminatorLearningRate };
        _learner = new Learner(Discriminator, learned, OptimizerFactory.Create(optimizer, learned.Select(named => named.Parameter)), null);
        _states = [.. _learner.StatesIn(Checkpoint.DiscriminatorFile, Checkpoint.DiscriminatorOptimizerFile)];
    }

    /// <summary>The discriminator.</summary>
    public UNetDiscriminator Discriminator { get; }

    /// <summary>What the configuration says of it.</summary>
    public GanConfig Config { get; }

    /// <summary>It as what the training's steps change beside the network.</summary>
    public Opponent Opponent => new(_learner, Config.DiscriminatorLearningRate);

    /// <inheritdoc/>
    public void Save(CheckpointDraft draft)
    {
        foreach (ICheckpointState state in _states)
            state.Save(draft);
    }

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive)
    {
        foreach (ICheckpointState state in _states)
            state.Load(archive);
    }

    /// <inheritdoc/>
    public void BeginStage(CheckpointArchive former)
    {
        // A stage may be the first one with a discriminator.
        if (!former.Has(Checkpoint.DiscriminatorFile))
            return;
        foreach (ICheckpointState state in _states)
            state.BeginStage(former);
    }

    /// <inheritdoc/>
    public void Dispose() => _learner.Dispose();
}

/// <summary>
/// What a network minimises against a discriminator (Goodfellow et al., 2014): the loss of its images, and by how much they are told from true
/// ones. By the same scalar the discriminator learns: its gradient by the discriminator's weights is that of the discriminator's own loss,
/// which adds nothing to the value. So batches in parts, steps of several batches and steps that are left out are for both what they are for one.
/// </summary>
/// <param name="images">The loss of the images, which it disposes.</param>
/// <param name="adversary">The discriminator.</param>
/// <param name="targetField">The field of the true images.</param>
internal sealed class AdversarialLoss(ImageLoss images, Adversary adversary, string targetField) : ITrainingLoss
{
    private bool _hasBegun;

    /// <inheritdoc/>
    public IReadOnlyList<Opponent> Opponents { get; } = [adversary.Opponent];

    /// <inheritdoc/>
    public void Begin(long globalStep) => _hasBegun = globalStep >= adversary.Config.StartStep;

    /// <inheritdoc/>
    public Tensor Compute(Tensor output, BatchTensors batch)
    {
        Tensor target = batch[targetField];
        Tensor loss = images.Compute(output, target);
        if (!_hasBegun)
            return loss;

        UNetDiscriminator discriminator = adversary.Discriminator;
        discriminator.Learns(false);
        Tensor deceit = Generator(discriminator.call(output)) * adversary.Config.Weight;
        discriminator.Learns(true);
        Tensor own = Judged(discriminator.call(target), isTrue: true) + Judged(discriminator.call(output.detach()), isTrue: false);
        return loss + deceit + (own - own.detach());
    }

    /// <inheritdoc/>
    public void Dispose() => images.Dispose();

    // The hinge loss of a generator has no hinge (Lim, Ye: Geometric GAN, 2017, equation 17).
    private Tensor Generator(Tensor logits) => adversary.Config.Loss == GanConfig.Hinge ? -logits.mean() : Judged(logits, isTrue: true);

    /// <summary>The loss of a discriminator that should take images for true ones, or for made ones.</summary>
    private Tensor Judged(Tensor logits, bool isTrue) => adversary.Config.Loss switch
    {
        // Cross entropy of the logits: log(1 + exp(-x)) for true, log(1 + exp(x)) for made.
        GanConfig.Vanilla => functional.softplus(isTrue ? -logits : logits).mean(),
        GanConfig.LeastSquares => (isTrue ? logits - 1 : logits).square().mean(),
        GanConfig.Hinge => functional.relu(1 + (isTrue ? -logits : logits)).mean(),
        _ => throw new ArgumentOutOfRangeException(nameof(isTrue), adversary.Config.Loss, "No such loss of a discriminator."),
    };
}
