using System.Text.Json;
using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;

namespace RobustTrain.Tests.Training;

/// <summary>Trainings whose settings change on the way.</summary>
[Collection(TorchCollection.Name)]
public sealed class StageTests : IDisposable
{
    private readonly SmallTraining _untouched = new();
    private readonly SmallTraining _stopped = new();

    public void Dispose()
    {
        _untouched.Dispose();
        _stopped.Dispose();
    }

    [Theory]
    [InlineData("stages.epoch-1={criterion.name: focal-dice, optimizer.learning_rate: 0.002, trainer.freeze: [conv11*]}", "stages.epoch-2={optimizer.name: sgd, trainer: {freeze: [], ema_decay: 0.9}}")]
    [InlineData("stages.epoch-2=[loader.batch_size=5, trainer.accumulate=2, schedule.name=constant, schedule.warmup_steps=1]", "trainer.ema_decay=0.8")]
    [InlineData("trainer.total_iter=9", "stages.step-3=[optimizer.name=adam, loader.batch_size=3]", "stages.step-8=[criterion.weighting=data, schedule.warmup_steps=0]")]
    public void Stopped_after_every_step_it_ends_with_the_same_bits(params string[] settings)
    {
        Both(settings);

        MemoryJournal journal = new();
        _untouched.Run(journal);
        int stops = 0;
        while (_stopped.RunSteps(1).ExitCode == ExitCode.Stopped)
            stops++;

        Assert.InRange(stops, 6, int.MaxValue);
        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
        Assert.Single(journal.Of<RunStarted>());
        Assert.Equal(_untouched.Config.Stages!.Keys.Order(StringComparer.Ordinal), journal.Of<StageStarted>().Select(stage => stage.Stage));
    }

    [Fact]
    public void Each_stage_has_a_schedule_over_its_own_steps_and_a_best_epoch_of_its_own()
    {
        Both("stages.epoch-2=[optimizer.learning_rate=0.001, schedule.warmup_steps=0]");
        MemoryJournal journal = new();

        _untouched.Run(journal);

        StepFinished[] steps = [.. journal.Of<StepFinished>()];
        Assert.Equal(12, steps.Length);

        // Four steps an epoch: warm-up over two of eight, cosine over the other six; then cosine from a tenth, over four.
        Assert.Equal([0.005, 0.01, 0.01, .. Enumerable.Range(1, 5).Select(step => Cosine(0.01, step / 6.0)), .. Enumerable.Range(0, 4).Select(step => Cosine(0.001, step / 4.0))], steps.Select(step => Math.Round(step.LearningRate, 12)));
        Assert.True(journal.Of<EpochFinished>()[2].IsBest);
        Assert.Equal(2, Assert.Single(journal.Of<TestFinished>()).BestEpoch);
        Assert.Equal((2, 8L, 4), journal.Of<StageStarted>().Select(stage => (stage.Epoch, stage.GlobalStep, stage.StepsPerEpoch)).Single());

        static double Cosine(double rate, double progress) => Math.Round(rate * 0.5 * (1 + Math.Cos(Math.PI * progress)), 12);
    }

    [Fact]
    public void What_a_stage_freezes_stays_as_it_is_and_what_goes_on_keeps_its_moments()
    {
        Both("checkpoint.keep=all", "stages.epoch-1={trainer.freeze: [conv11*]}", "stages.epoch-2.trainer.freeze=[]");

        _untouched.Run();

        Assert.Equal(Tensor("epoch-0000", Checkpoint.WeightsFile, "conv11.weight"), Tensor("epoch-0001", Checkpoint.WeightsFile, "conv11.weight"));
        Assert.NotEqual(Tensor("epoch-0001", Checkpoint.WeightsFile, "conv11.weight"), Tensor("epoch-0002", Checkpoint.WeightsFile, "conv11.weight"));
        Assert.NotEqual(Tensor("epoch-0000", Checkpoint.WeightsFile, "conv21.weight"), Tensor("epoch-0001", Checkpoint.WeightsFile, "conv21.weight"));

        // Twelve steps for what was learned all the time, four for what began anew.
        Assert.Equal(12, BitConverter.ToInt64(Tensor("epoch-0002", Checkpoint.OptimizerFile, "conv21.weight.step")));
        Assert.Equal(4, BitConverter.ToInt64(Tensor("epoch-0002", Checkpoint.OptimizerFile, "conv11.weight.step")));

        byte[] Tensor(string checkpoint, string file, string name)
        {
            using SafeTensorsReader reader = SafeTensorsReader.Open(Path.Combine(_untouched.CheckpointsPath, checkpoint, file));
            return reader.Read(name);
        }
    }

    [Theory]
    [InlineData("epoch-0001")]
    [InlineData("epoch-0001", "step-000000009")]
    public void Where_the_newest_checkpoints_are_damaged_it_goes_back_into_the_stage_before(params string[] damaged)
    {
        Both("stages.epoch-2=[criterion.name=dice, optimizer.name=sgd]", "checkpoint.every_steps=1");
        _untouched.Run();
        _stopped.RunSteps(damaged.Length == 1 ? 8 : 9);
        foreach (string checkpoint in Directory.EnumerateDirectories(_stopped.CheckpointsPath).Where(folder => damaged.Length == 2 || damaged.Contains(Path.GetFileName(folder))))
        {
            if (Path.GetFileName(checkpoint) is "epoch-0001" or "step-000000009")
                File.AppendAllText(Path.Combine(checkpoint, Checkpoint.WeightsFile), "x");
        }

        _stopped.Run();

        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
    }

    [Fact]
    public void A_stage_can_bring_a_discriminator_and_the_next_one_keeps_it()
    {
        foreach (SmallTraining training in (SmallTraining[])[_untouched, _stopped])
        {
            training.Config = new TrainingConfig
            {
                Task = "super-resolution",
                Seed = 7,
                Threads = 1,
                Model = new ModelConfig { Name = "srvggnet-compact", Scale = 2, Features = 4, Blocks = 1 },
                Data = new DataConfig { Dataset = "paired-images", Path = Path.GetFullPath("/in memory"), CropSize = 32, Mean = [0, 0, 0], Std = [1, 1, 1] },
                Loader = new LoaderOptions { BatchSize = 4, EvalBatchSize = 2, NumWorkers = 1 },
                Criterion = new CriterionConfig { Name = "l1" },
                Gan = new GanConfig { Features = 4 },
                Trainer = new TrainerConfig { Epochs = 3, LogIntervalSeconds = 0, BestMetric = "psnr_y" },
            };
            training.Data = new(new EnlargementsDataset(14), new EnlargementsDataset(4, salt: 1), new EnlargementsDataset(2, salt: 2));
        }

        Both("stages.epoch-1=[gan.loss=vanilla]", "stages.epoch-2=[gan.weight=0.5, gan.loss=hinge]");
        _untouched.Run();
        while (_stopped.RunSteps(1).ExitCode == ExitCode.Stopped)
        {
        }

        IReadOnlyDictionary<string, string> expected = _untouched.FinalState();
        Assert.Equal(expected, _stopped.FinalState());
        using SafeTensorsReader optimizer = SafeTensorsReader.Open(Path.Combine(_untouched.CheckpointsPath, "epoch-0002", Checkpoint.DiscriminatorOptimizerFile));
        Assert.Equal(8, BitConverter.ToInt64(optimizer.Read(optimizer.Entries.Keys.First(name => name.EndsWith(".step", StringComparison.Ordinal)))));
    }

    [Theory]
    [InlineData("'stages' has no stages; null makes none.", "stages={}")]
    [InlineData("'stages' has the name 'later', but a name must be epoch-N or step-N.", "stages.later=[seed=1]")]
    [InlineData("'stages.epoch-3' begins after 3 epochs, but the training ends after 3 ('trainer.epochs'); train for more, or take the stage away by stages.epoch-3=null.", "trainer.epochs=3", "stages.epoch-3=[criterion.name=dice]")]
    [InlineData("'stages' has the name 'step-3', but the training counts epochs (trainer.epochs), so that its stages are called epoch-N, or 'trainer.total_iter' is given.", "stages.step-3=[criterion.name=dice]")]
    [InlineData("'stages' has the name 'epoch-3', but the training counts steps (trainer.total_iter), so that its stages are called step-N.", "trainer.total_iter=9", "stages.epoch-3=[criterion.name=dice]")]
    [InlineData("'stages.epoch-2' changes nothing; it must have the keys that change when it begins.", "stages.epoch-2=[]")]
    [InlineData("'stages.epoch-2' changes nothing; it must have the keys that change when it begins.", "stages={epoch-2: }")]
    [InlineData("'stages.epoch-2' changes 'model.name', which holds for the whole training; a stage may change criterion.*,", "stages.epoch-2=[model.name=hanet]")]
    [InlineData("'stages.step-4' begins after 4 steps, but the training ends after 4 ('trainer.total_iter');", "trainer.total_iter=4", "stages.step-4=[criterion.name=dice]")]
    [InlineData("'stages.epoch-2' changes 'data.mean', 'model.name', which hold for the whole training; a stage may change", "stages.epoch-2={data.mean: [0, 0, 0], model.name: hanet}")]
    [InlineData("in 'stages.epoch-2': 'criterion.name' is 'l1', but 'task' is change-detection, so that it must be one of cross-entropy,", "stages.epoch-2=[criterion.name=l1]")]
    [InlineData("'criterion' has no key 'nme'; did you mean 'name'?", "stages.epoch-2=[criterion.nme=l1]")]
    [InlineData("in 'stages.epoch-2': 'optimizer.learning_rate' is 'fast', but must be a number from 0 to 1000.", "stages.epoch-2.optimizer.learning_rate=fast")]
    [InlineData("'stages.epoch-2' has 'criterion', which must have the form key=value, or be a section with its keys.", "stages.epoch-2=[criterion]")]
    [InlineData("'stages.epoch-2.criterion' is 'dice', but must be sections and keys.", "stages.epoch-2={criterion: dice}")]
    [InlineData("'stages' change data, but 'data.cache.memory_share' is above 0,", "data.cache.memory_share=0.2", "stages.epoch-2=[data.crop_size=64]")]
    [InlineData("'selection.patience' is given, but a training with 'stages' goes through all of them; set it to null.", "selection.patience=2", "stages.epoch-2=[criterion.name=dice]")]
    public void What_can_t_be_a_stage_is_refused_in_one_sentence(string sentence, params string[] settings) => Assert.Contains(
        Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read<TrainingConfig>(null, ["data.path=/d", .. settings])).Errors,
        error => error.Message.Contains(sentence, StringComparison.Ordinal));

    [Fact]
    public void A_stage_that_does_not_fit_the_network_is_named_before_anything_starts()
    {
        Both("stages.epoch-2.trainer.freeze=[nothing*]");

        RunException refused = Assert.Throws<RunException>(() => _untouched.Run());

        Assert.StartsWith("In stages.epoch-2: trainer.freeze has the pattern 'nothing*', which matches no parameter;", refused.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_untouched.RunPath));
    }

    [Fact]
    public void A_file_writes_them_as_sections_with_lines_in_its_errors_and_a_run_keeps_them_whole()
    {
        using TemporaryFolder folder = new();
        string file = folder.At("a.yaml");
        File.WriteAllText(file, "data:\n  path: /d\nstages:\n  epoch-4:\n    criterion:\n      name: dice\n    loader: {quarantine_path: q.json}\n  epoch-6:\n    trainer:\n      freeze: [conv1*]\n");

        TrainingConfig config = ConfigurationReader.Read<TrainingConfig>(file, ["stages.epoch-6.optimizer.learning_rate=1e-5"]);

        // A backslash makes a quoted word of it.
        string quarantine = Path.GetFullPath("q.json");
        string written = quarantine.Contains('\\', StringComparison.Ordinal) ? JsonSerializer.Serialize(quarantine) : quarantine;
        Assert.Equal(["criterion.name=dice", $"loader.quarantine_path={written}"], config.Stages!["epoch-4"]);
        Assert.Equal(["optimizer.learning_rate=1E-05", "trainer.freeze=[\"conv1*\"]"], config.Stages["epoch-6"]);
        Assert.Empty(ConfigurationWriter.Differences(config, ConfigurationReader.Parse<TrainingConfig>(ConfigurationWriter.Write(config), "again")));
        Assert.Contains("\nstages:\n  epoch-4:\n    criterion:\n      name: dice\n    loader:\n      quarantine_path: ", ConfigurationWriter.Write(config), StringComparison.Ordinal);
        Assert.Contains("\n  epoch-6:\n    optimizer:\n      learning_rate: 1E-05\n    trainer:\n      freeze: [\"conv1*\"]\n", ConfigurationWriter.Write(config), StringComparison.Ordinal);
        TrainingConfig end = config.AtEnd();
        Assert.Equal(("dice", 1e-5, "conv1*", 10), (end.Criterion.Name, end.Optimizer.LearningRate, Assert.Single(end.Trainer.Freeze), end.Trainer.Epochs));

        File.WriteAllText(file, "data:\n  path: /d\nstages:\n  epoch-4:\n    criterion:\n      name: dcie\n");
        ConfigurationError error = Assert.Single(Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read<TrainingConfig>(file, [])).Errors);
        Assert.StartsWith($"{file}, line 6: in 'stages.epoch-4': 'criterion.name' is 'dcie', but must be one of ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_stage_may_change_is_said_once()
    {
        ConfigurationException wrong = Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read<TrainingConfig>(null, ["data.path=/d", "stages.epoch-2=[seed=1]", "stages.epoch-4=[task=segmentation]"]));

        Assert.Equal(2, wrong.Errors.Count);
        Assert.EndsWith("'stages.epoch-4' changes 'task', which holds for the whole training.", wrong.Errors[1].Message, StringComparison.Ordinal);
        Assert.Contains("; a stage may change criterion.*,", wrong.Errors[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void In_whichever_order_they_are_written_they_are_the_same_and_null_takes_one_away()
    {
        TrainingConfig Read(params string[] settings) => ConfigurationReader.Read<TrainingConfig>(null, ["data.path=/d", .. settings]);
        TrainingConfig there = Read("stages.epoch-2={loader.batch_size: 2, data.crop_size: 64}", "stages.epoch-4=[criterion.name=dice]");

        Assert.Empty(ConfigurationWriter.Differences(there, Read("stages={epoch-4: {criterion: {name: dice}}, epoch-2: {data: {crop_size: 64}, loader: {batch_size: 2}}}")));
        Assert.Empty(ConfigurationWriter.Differences(there, Read([.. ConfigurationWriter.Values(there).Where(value => value.Key == "stages").Select(value => $"stages={value.Value}"), "stages.epoch-2.loader.batch_size=2"])));
        Assert.Equal(["epoch-4"], Read([.. ConfigurationWriter.Values(there).Where(value => value.Key == "stages").Select(value => $"stages={value.Value}"), "stages.epoch-2=null"]).Stages!.Keys);
        Assert.Null(Read("stages.epoch-2=[criterion.name=dice]", "stages.epoch-2=null").Stages);
    }

    private void Both(params string[] settings)
    {
        foreach (SmallTraining training in (SmallTraining[])[_untouched, _stopped])
        {
            string yaml = ConfigurationWriter.Write(training.Config);
            string path = Path.Combine(Path.GetDirectoryName(training.RunPath)!, "config.yaml");
            File.WriteAllText(path, yaml);
            training.Config = ConfigurationReader.Read<TrainingConfig>(path, settings);
        }
    }
}
