using System.Reflection;
using System.Reflection.Emit;
using RobustTrain.Configuration;
using RobustTrain.Data.Datasets;
using RobustTrain.Runs;
using RobustTrain.Tests.Monitoring;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Plugins;

namespace RobustTrain.Tests.Training;

/// <summary>The plug-in of samples/plugin, and assemblies that are none.</summary>
[Collection(TorchCollection.Name)]
public sealed class PluginTests : IDisposable
{
    private static readonly string s_squares = Path.Combine(AppContext.BaseDirectory, "Squares.dll");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_sample_is_trained_to_its_stated_score()
    {
        TrainingConfig config = Read();
        TrainingOutcome outcome = Run(config, "run");

        Assert.Equal(ExitCode.Finished, outcome.ExitCode);
        Assert.InRange(outcome.TestScores!["f1"], 0.9, 1);
        Assert.InRange(outcome.TestScores!["Squares:share_error"], 0, 0.05);
    }

    [Fact]
    public void Its_score_can_decide_which_epoch_is_best()
    {
        TrainingConfig config = Read("trainer.best_metric=Squares:share_error", "trainer.epochs=3");
        Run(config, "run");

        double[] errors = [.. Checkpoints("run").Where(checkpoint => checkpoint.Manifest.Scores is not null).Select(checkpoint => checkpoint.Manifest.Scores!["Squares:share_error"])];
        Checkpoint best = Checkpoints("run").First(checkpoint => checkpoint.Manifest.IsBest);
        Assert.Equal(errors.Min(), best.Manifest.Scores!["Squares:share_error"]);
    }

    [Fact]
    public void A_training_that_is_stopped_and_goes_on_ends_with_the_same_bits()
    {
        TrainingConfig config = Read("trainer.epochs=2");
        Run(config, "untouched");
        Run(config, "stopped", stopAfter: 3);
        Run(config, "stopped", stopAfter: 6);
        Run(config, "stopped");

        Assert.Equal(Weights("untouched"), Weights("stopped"));
    }

    [Fact]
    public void A_checkpoint_of_another_network_is_refused()
    {
        Run(Read("trainer.epochs=1"), "run");
        TrainingConfig other = Read("model.name=fc-siam-diff");

        RunException refused = Assert.Throws<CheckpointException>(() => Evaluator.Open(other, _folder.At("run"), CheckpointChoice.Latest, DatasetSplit.Test, _ => { }));
        Assert.Equal(CheckpointException.OtherModel, refused.ErrorId);
    }

    [Theory]
    [InlineData("model.name=Squares:net", "model.name", "'model.name' is 'Squares:net', but 'task' is change-detection, so that it must be one of fc-siam-diff, fc-siam-conc, hanet, Squares:difference-net.")]
    [InlineData("criterion.name=Other:tversky", "criterion.name", "Squares:tversky.")]
    [InlineData("trainer.best_metric=Squares:error", "trainer.best_metric", "Squares:share_error.")]
    public void A_name_that_it_does_not_bring_is_refused(string setting, string key, string sentence)
    {
        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => Read(setting));

        Assert.Contains(refused.Errors, error => error.Key == key && error.Message.Contains(sentence, StringComparison.Ordinal));
    }

    [Fact]
    public void Its_dataset_with_validation_sets_is_refused() =>
        Refused("ValidationSetsUnknown", () => TrainingPlan.Create(Read("data.validation_sets.north=[a]")));

    [Fact]
    public void A_dataset_for_threads_is_refused_to_process_workers() =>
        Assert.Contains("use threads", Assert.Throws<RunException>(() => TrainingPlan.Create(Read("loader.worker_kind=process"))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_file_that_is_not_there_is_refused() => Refused("PluginNotFound", () => Read("plugins=[nowhere.dll]"), "there is no such file; a .NET assembly is expected");

    [Fact]
    public void A_file_that_is_no_assembly_is_refused()
    {
        File.WriteAllText(_folder.At("text.dll"), "model: hanet");
        Refused("PluginNotUsable", () => PluginSet.Load([_folder.At("text.dll")]), "is no .NET assembly, or damaged.");
    }

    [Fact]
    public void An_assembly_that_brings_nothing_is_refused()
    {
        Refused("PluginNotUsable", () => PluginSet.Load([Path.Combine(AppContext.BaseDirectory, "RobustTrain.Data.dll")]), "does not refer to RobustTrain.Training");
        Refused("PluginNotUsable", () => PluginSet.Load([Emit("Idle", constructor: null)]), "has 0 public classes that implement ITrainingPlugin, but must have one.");
    }

    [Fact]
    public void The_same_name_twice_is_refused()
    {
        File.Copy(s_squares, _folder.At("Squares.dll"));
        Refused("PluginNamedTwice", () => PluginSet.Load([s_squares, _folder.At("Squares.dll")]), "two assemblies of the name Squares");
    }

    [Fact]
    public void A_plugin_that_throws_is_told_of_in_one_sentence()
    {
        string file = Emit("Thrower", il =>
        {
            il.Emit(OpCodes.Ldstr, "no licence");
            il.Emit(OpCodes.Newobj, typeof(InvalidOperationException).GetConstructor([typeof(string)])!);
            il.Emit(OpCodes.Throw);
        });
        Refused("PluginNotUsable", () => PluginSet.Load([file]), "can't name its parts: Thrower threw InvalidOperationException: no licence.");
    }

    [Fact]
    public void A_plugin_that_hangs_is_given_up()
    {
        string file = Emit("Hanger", il =>
        {
            il.Emit(OpCodes.Ldc_I4_M1);
            il.Emit(OpCodes.Call, typeof(Thread).GetMethod(nameof(Thread.Sleep), [typeof(int)])!);
            il.Emit(OpCodes.Ret);
        });
        Refused("PluginNotUsable", () => PluginFile.Read(file, TimeSpan.FromSeconds(1)), "has not named its parts within 1 s: Hanger is stuck");
    }

    [Fact]
    public void A_plugin_for_another_version_is_refused()
    {
        PersistedAssemblyBuilder other = new(new AssemblyName("RobustTrain.Training") { Version = new Version(9, 9, 0, 0) }, typeof(object).Assembly);
        Type contract = other.DefineDynamicModule("RobustTrain.Training").DefineType("RobustTrain.Training.Plugins.ITrainingPlugin", TypeAttributes.Public | TypeAttributes.Interface | TypeAttributes.Abstract).CreateType();
        string file = Emit("Old", il => il.Emit(OpCodes.Ret), contract);
        Refused("PluginNotUsable", () => PluginSet.Load([file]), "was built for version 9.9 of RobustTrain.Training, but this is 0.1.");
    }

    private static void Refused(string id, Action action, string sentence = "")
    {
        RunException refused = Assert.Throws<RunException>(action);
        Assert.Equal((id, ExitCode.Configuration), (refused.ErrorId, refused.ExitCode));
        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    // An assembly of one public class: a plug-in with a constructor, or nothing but a use of ours.
    private string Emit(string name, Action<ILGenerator>? constructor, Type? contract = null)
    {
        PersistedAssemblyBuilder assembly = new(new AssemblyName(name), typeof(object).Assembly);
        TypeBuilder type = assembly.DefineDynamicModule(name).DefineType(name, TypeAttributes.Public | TypeAttributes.Class);
        contract ??= typeof(ITrainingPlugin);
        if (constructor is null)
        {
            type.DefineField("catalog", typeof(PluginCatalog), FieldAttributes.Public);
        }
        else
        {
            type.AddInterfaceImplementation(contract);
            constructor(type.DefineConstructor(MethodAttributes.Public, CallingConventions.Standard, []).GetILGenerator());
            if (contract == typeof(ITrainingPlugin))
            {
                MethodBuilder register = type.DefineMethod("Register", MethodAttributes.Public | MethodAttributes.Virtual | MethodAttributes.HideBySig | MethodAttributes.NewSlot, typeof(void), [typeof(PluginCatalog)]);
                register.GetILGenerator().Emit(OpCodes.Ret);
            }
        }

        type.CreateType();
        string file = _folder.At($"{name}.dll");
        assembly.Save(file);
        return file;
    }

    private static TrainingConfig Read(params string[] settings) => ConfigurationReader.Read<TrainingConfig>(
        Path.Combine(TestFiles.Root, "samples", "plugin", "squares.yaml"), [$"plugins=['{s_squares}']", "threads=1", "loader.num_workers=2", .. settings]);

    private TrainingOutcome Run(TrainingConfig config, string name, int stopAfter = int.MaxValue)
    {
        using RunFolder run = RunFolder.Open(_folder.At(name), config, ResumeMode.Auto, RunVersions.Current());
        using TrainingControl control = new();
        int done = 0;
        MemoryJournal journal = new(runEvent =>
        {
            if (runEvent is RobustTrain.Runs.Events.StepFinished && ++done == stopAfter)
                control.RequestStop();
        });
        return new Trainer(TrainingPlan.Create(config), run, journal).Run(control);
    }

    private IEnumerable<Checkpoint> Checkpoints(string name) => new CheckpointStore(RunFolder.CheckpointsPathOf(_folder.At(name))).List();

    private string Weights(string name) => Checkpoints(name).First().Manifest.Files[Checkpoint.WeightsFile].Sha256!;
}
