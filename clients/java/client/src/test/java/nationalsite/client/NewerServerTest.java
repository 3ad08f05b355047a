package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import nationalsite.ordersync.v1.Delivery;
import nationalsite.ordersync.v1.DeliveryState;
import nationalsite.ordersync.v1.Message;
import nationalsite.ordersync.v1.StreamMessagesResponse;
import org.junit.jupiter.api.Test;

/** What a server with later protos sends is read as far as it is known, and nothing of it is lost. */
class NewerServerTest {
  private static final UnknownFieldSet LATER =
      UnknownFieldSet.newBuilder()
          .addField(
              9_001, UnknownFieldSet.Field.newBuilder().addLengthDelimited(ByteString.copyFromUtf8("new")).build())
          .build();

  @Test
  void unknownFieldsAndArmsAreKept() throws InvalidProtocolBufferException {
    var message = Message.newBuilder().setTopic("A_LATER_TOPIC").setUnknownFields(LATER);
    var sent = StreamMessagesResponse.newBuilder().setMessage(message).build().toByteString();
    var read = StreamMessagesResponse.parseFrom(sent);
    assertEquals("A_LATER_TOPIC", read.getMessage().getTopic());
    assertEquals(Message.PayloadCase.PAYLOAD_NOT_SET, read.getMessage().getPayloadCase());
    assertEquals(sent, read.toByteString());
  }

  @Test
  void aResponseOfAnUnknownArmIsNone() throws InvalidProtocolBufferException {
    var sent = StreamMessagesResponse.newBuilder().setUnknownFields(LATER).build().toByteString();
    var read = StreamMessagesResponse.parseFrom(sent);
    assertEquals(StreamMessagesResponse.ResponseCase.RESPONSE_NOT_SET, read.getResponseCase());
    assertEquals(sent, read.toByteString());
  }

  @Test
  void unknownValuesOfEnumsAreKept() throws InvalidProtocolBufferException {
    var sent = Delivery.newBuilder().setStateValue(77).build().toByteString();
    var read = Delivery.parseFrom(sent);
    assertEquals(DeliveryState.UNRECOGNIZED, read.getState());
    assertEquals(77, read.getStateValue());
    assertEquals(sent, read.toBuilder().setAttempts(1).clearAttempts().build().toByteString());
  }
}
